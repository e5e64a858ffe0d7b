#include "base/log.h"
#include "catalog_impl.h"

namespace posthorn::broker {
namespace {

/// Does with what a text says, if it can be read.
template <class T, class Use>
Result<void> use(Result<T> read, Use&& use) {
    if (!read) return read.error();
    use(std::move(*read));
    return {};
}
}  // namespace

void Catalog::Impl::load_topic(model::Topic found) {
    auto topic = std::make_unique<model::Topic>(std::move(found));
    for (std::size_t n = 0; n < topic->queues.size(); ++n) {
        numbers.given(topic->queues[n]);
        own(topic->queues[n], {QueueOwner::Kind::topic, true, static_cast<std::uint16_t>(n), topic->id});
    }
    numbers.given(topic->id);
    index(topic_by_id, topic->id.value(), topic.get());
    topics.emplace(topic->name, std::move(topic));
}

void Catalog::Impl::load_group(model::Group found) {
    auto group = std::make_unique<model::Group>(std::move(found));
    numbers.given(group->id);
    index(group_by_id, group->id.value(), group.get());
    groups.emplace(group->name, std::move(group));
}

void Catalog::Impl::load_queue(std::string_view name, model::QueueId queue) {
    numbers.given(queue);
    own(queue, {QueueOwner::Kind::named, true, 0, {}});
    named.emplace(name, queue);
}

Result<void> Catalog::Impl::load_one(std::string_view kind, std::string_view name, std::string_view text) {
    if (kind == name_rows::topic_kind)
        return use(name_rows::read_topic(name, text), [&](auto topic) { load_topic(std::move(topic)); });
    if (kind == name_rows::group_kind)
        return use(name_rows::read_group(name, text), [&](auto group) { load_group(std::move(group)); });
    if (kind == name_rows::queue_kind)
        return use(name_rows::read_queue(text), [&](auto queue) { load_queue(name, queue); });
    if (kind == name_rows::setting_kind)
        return use(name_rows::read_setting(text),
                   [&](const auto& setting) { settings.set(setting.space, setting.key, setting.value); });
    if (kind == name_rows::numbers_kind)
        return use(name_rows::read_numbers(text), [&](const auto& found) { numbers.given(found); });
    if (kind.find('.') != std::string_view::npos)
        documents.push_back({std::string(kind), std::string(name), std::string(text)});
    else
        log_warn("broker", "definition of unknown kind '{}' ({}) left alone", kind, name);
    return {};
}

Result<void> Catalog::Impl::load() {
    // 0 is no queue, 1 is the timer queue: they have no definition.
    owners.resize(2);
    owners[timer_queue.value()] = {QueueOwner::Kind::timer, true, 0, {}};
    auto loaded = journal.definitions().load(
        [this](std::string_view kind, std::string_view name, std::string_view text) {
            if (auto read = load_one(kind, name, text); !read)
                log_error("broker", "definition {} '{}' cannot be read and is left out: {}", kind, name,
                          read.error().message);
        });
    if (!loaded) return loaded;
    numbers.reserve_ahead();
    // A full disk refuses new names and nothing else, at the start too.
    if (auto done = journal.commit(); !done)
        log_error("broker", "definitions cannot be written, so no new name is promised: {}",
                  done.error().message);
    return {};
}

}  // namespace posthorn::broker
