#include <fmt/format.h>

#include "catalog_impl.h"

namespace posthorn::broker {
namespace {

// A topic's queue number is 16 bits in QueueOwner.
constexpr std::uint32_t queues_per_topic_max = 65'535;
constexpr std::size_t name_bytes_max = 255;

Error too_many(std::string_view what, std::uint32_t limit, std::string_view option) {
    return {Errc::full, fmt::format("there are {} {} already; raise {} to allow more", limit, what, option)};
}

Result<void> check_name(std::string_view what, std::string_view name) {
    if (name.empty()) return Error{Errc::invalid, fmt::format("the {} name is empty", what)};
    if (name.size() > name_bytes_max)
        return Error{Errc::invalid, fmt::format("the {} name has {} bytes; {} is the most", what, name.size(),
                                                name_bytes_max)};
    return {};
}

}  // namespace

Catalog::Catalog(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Catalog::~Catalog() = default;

Result<std::unique_ptr<Catalog>> Catalog::load(std::unique_ptr<store::Definitions> definitions,
                                               const BrokerOptions& limits, runtime::Worker& worker) {
    auto impl = std::make_unique<Impl>(std::move(definitions), worker);
    impl->topics_max = limits.topics_max;
    impl->queues_max = limits.queues_max;
    impl->groups_max = limits.groups_max;
    if (auto loaded = impl->load(); !loaded) return loaded.error();
    std::unique_ptr<Catalog> catalog(new Catalog(std::move(impl)));
    catalog->defined_end_ = model::QueueId(catalog->impl_->numbers.next_queue());
    return catalog;
}

// --- topics ------------------------------------------------------------------------------------------------

const model::Topic* Catalog::topic(std::string_view name) const {
    const auto at = impl_->topics.find(name);
    return at == impl_->topics.end() ? nullptr : at->second.get();
}

const model::Topic* Catalog::topic(model::TopicId id) const {
    return id.value() < impl_->topic_by_id.size() ? impl_->topic_by_id[id.value()] : nullptr;
}

Result<const model::Topic*> Catalog::put_topic(const TopicSpec& spec) {
    if (auto legal = check_name("topic", spec.name); !legal) return legal.error();
    const std::uint32_t wanted = std::max(spec.read_queues, spec.write_queues);
    if (wanted == 0) return Error{Errc::invalid, fmt::format("topic {} needs at least one queue", spec.name)};
    if (wanted > queues_per_topic_max)
        return Error{Errc::invalid, fmt::format("topic {} asks for {} queues; {} is the most", spec.name,
                                                wanted, queues_per_topic_max)};

    const auto at = impl_->topics.find(spec.name);
    model::Topic* topic = at == impl_->topics.end() ? nullptr : at->second.get();
    const std::size_t have = topic ? topic->queues.size() : 0;
    if (wanted > have && impl_->queues_alive + (wanted - have) > impl_->queues_max)
        return too_many("queues", impl_->queues_max, "queues_max");

    if (topic && topic->read_queues == spec.read_queues && topic->write_queues == spec.write_queues &&
        topic->permission == spec.permission && topic->ordered == spec.ordered &&
        topic->system_flag == spec.system_flag && topic->attributes == spec.attributes) {
        impl_->found(name_rows::topic_kind, spec.name);
        return static_cast<const model::Topic*>(topic);
    }

    if (!topic && impl_->topics.size() >= impl_->topics_max)
        return too_many("topics", impl_->topics_max, "topics_max");
    if (auto room = impl_->room_for({.topics = 1, .queues = wanted}); !room) return room.error();
    if (!topic) {
        auto fresh = std::make_unique<model::Topic>();
        topic = fresh.get();
        topic->id = impl_->numbers.give_topic();
        topic->name = spec.name;
        Impl::index(impl_->topic_by_id, topic->id.value(), topic);
        impl_->topics.emplace(spec.name, std::move(fresh));
    }
    topic->read_queues = spec.read_queues;
    topic->write_queues = spec.write_queues;
    topic->permission = spec.permission;
    topic->ordered = spec.ordered;
    topic->system_flag = spec.system_flag;
    topic->attributes = spec.attributes;
    while (topic->queues.size() < wanted)
        topic->queues.push_back(impl_->give_queue(
            {QueueOwner::Kind::topic, true, static_cast<std::uint16_t>(topic->queues.size()), topic->id}));
    impl_->put(name_rows::topic_kind, topic->name, name_rows::write(*topic));
    impl_->numbers.next_version();
    return static_cast<const model::Topic*>(topic);
}

Result<void> Catalog::delete_topic(std::string_view name) {
    const auto at = impl_->topics.find(name);
    if (at == impl_->topics.end()) {
        impl_->found(name_rows::topic_kind, name);
        return Error{Errc::not_found, fmt::format("there is no topic {}", name)};
    }
    if (auto room = impl_->room_for({}); !room) return room;
    for (const model::QueueId queue : at->second->queues)
        impl_->disown(queue);
    impl_->topic_by_id[at->second->id.value()] = nullptr;
    impl_->remove(name_rows::topic_kind, name);
    impl_->topics.erase(at);
    impl_->numbers.next_version();
    return {};
}

void Catalog::each_topic(const std::function<void(const model::Topic&)>& visit) const {
    for (const auto& [name, topic] : impl_->topics)
        visit(*topic);
}

std::size_t Catalog::topic_count() const {
    return impl_->topics.size();
}

// --- groups ------------------------------------------------------------------------------------------------

const model::Group* Catalog::group(std::string_view name) const {
    const auto at = impl_->groups.find(name);
    return at == impl_->groups.end() ? nullptr : at->second.get();
}

const model::Group* Catalog::group(model::GroupId id) const {
    return id.value() < impl_->group_by_id.size() ? impl_->group_by_id[id.value()] : nullptr;
}

Result<const model::Group*> Catalog::put_group(const model::Group& wanted) {
    if (auto legal = check_name("group", wanted.name); !legal) return legal.error();
    const auto at = impl_->groups.find(wanted.name);
    model::Group* group = at == impl_->groups.end() ? nullptr : at->second.get();
    if (!group && impl_->groups.size() >= impl_->groups_max)
        return too_many("groups", impl_->groups_max, "groups_max");
    if (group) {
        model::Group same = wanted;
        same.id = group->id;
        if (name_rows::write(same) == name_rows::write(*group)) {
            impl_->found(name_rows::group_kind, wanted.name);
            return static_cast<const model::Group*>(group);
        }
    }
    if (auto room = impl_->room_for({.groups = 1}); !room) return room.error();
    if (!group) {
        auto fresh = std::make_unique<model::Group>();
        group = fresh.get();
        group->id = impl_->numbers.give_group();
        Impl::index(impl_->group_by_id, group->id.value(), group);
        impl_->groups.emplace(wanted.name, std::move(fresh));
    }
    const model::GroupId id = group->id;
    *group = wanted;
    group->id = id;
    impl_->put(name_rows::group_kind, group->name, name_rows::write(*group));
    impl_->numbers.next_version();
    return static_cast<const model::Group*>(group);
}

Result<void> Catalog::delete_group(std::string_view name) {
    const auto at = impl_->groups.find(name);
    if (at == impl_->groups.end()) {
        impl_->found(name_rows::group_kind, name);
        return Error{Errc::not_found, fmt::format("there is no group {}", name)};
    }
    if (auto room = impl_->room_for({}); !room) return room;
    impl_->group_by_id[at->second->id.value()] = nullptr;
    impl_->remove(name_rows::group_kind, name);
    impl_->groups.erase(at);
    impl_->numbers.next_version();
    return {};
}

void Catalog::each_group(const std::function<void(const model::Group&)>& visit) const {
    for (const auto& [name, group] : impl_->groups)
        visit(*group);
}

std::size_t Catalog::group_count() const {
    return impl_->groups.size();
}

// --- named queues ------------------------------------------------------------------------------------------

Result<model::QueueId> Catalog::put_named_queue(std::string_view name, bool durable) {
    if (auto legal = check_name("queue", name); !legal) return legal.error();
    if (const auto at = impl_->named.find(name); at != impl_->named.end()) {
        impl_->found(name_rows::queue_kind, name);
        if (owner(at->second).durable == durable) return at->second;
        return Error{Errc::exists,
                     fmt::format("queue {} is there and is {}durable", name, durable ? "not " : "")};
    }
    if (impl_->queues_alive >= impl_->queues_max) return too_many("queues", impl_->queues_max, "queues_max");
    if (durable)
        if (auto room = impl_->room_for({.queues = 1}); !room) return room.error();
    const model::QueueId queue = impl_->give_queue({QueueOwner::Kind::named, durable, 0, {}});
    impl_->named.emplace(name, queue);
    if (!durable) return queue;
    impl_->put(name_rows::queue_kind, name, name_rows::write_queue(queue));
    return queue;
}

model::QueueId Catalog::named_queue(std::string_view name) const {
    const auto at = impl_->named.find(name);
    return at == impl_->named.end() ? model::QueueId{} : at->second;
}

Result<void> Catalog::delete_named_queue(std::string_view name) {
    const auto at = impl_->named.find(name);
    if (at == impl_->named.end()) return Error{Errc::not_found, fmt::format("there is no queue {}", name)};
    const bool durable = owner(at->second).durable;
    impl_->disown(at->second);
    impl_->named.erase(at);
    if (durable) impl_->remove(name_rows::queue_kind, name);
    return {};
}

void Catalog::each_named_queue(
    const std::function<void(const std::string& name, model::QueueId queue)>& visit) const {
    for (const auto& [name, queue] : impl_->named)
        visit(name, queue);
}

QueueOwner Catalog::owner(model::QueueId queue) const {
    return queue.value() < impl_->owners.size() ? impl_->owners[queue.value()] : QueueOwner{};
}

std::uint32_t Catalog::queue_ids_given() const {
    return impl_->numbers.next_queue() - 1;
}

std::uint64_t Catalog::version() const {
    return impl_->numbers.version();
}

// --- settings ----------------------------------------------------------------------------------------------

void Catalog::set(std::string_view space, std::string_view key, std::string_view value) {
    const std::string name = name_rows::setting_name(space, key);
    if (const std::string* old = setting(space, key); old && *old == value)
        return impl_->found(name_rows::setting_kind, name);
    impl_->settings.set(space, key, value);
    impl_->put(name_rows::setting_kind, name, name_rows::write_setting(space, key, value));
}

void Catalog::unset(std::string_view space, std::string_view key) {
    if (impl_->settings.unset(space, key))
        impl_->remove(name_rows::setting_kind, name_rows::setting_name(space, key));
}

std::size_t Catalog::setting_count() const {
    return impl_->settings.size();
}

const std::string* Catalog::setting(std::string_view space, std::string_view key) const {
    return impl_->settings.find(space, key);
}

void Catalog::each_setting(
    std::string_view space,
    const std::function<void(const std::string& key, const std::string& value)>& visit) const {
    impl_->settings.each(space, visit);
}

// --- documents ---------------------------------------------------------------------------------------------

void Catalog::put_document(std::string_view kind, std::string_view name, std::string_view json) {
    impl_->put(kind, name, json);
}

void Catalog::remove_document(std::string_view kind, std::string_view name) {
    impl_->remove(kind, name);
}

void Catalog::await_document(std::string_view kind, std::string_view name) {
    impl_->found(kind, name);
}

std::vector<Catalog::Document> Catalog::take_documents(std::string_view kind_begins) {
    std::vector<Document> taken;
    std::erase_if(impl_->documents, [&](Document& document) {
        if (!document.kind.starts_with(kind_begins)) return false;
        taken.push_back(std::move(document));
        return true;
    });
    return taken;
}

// --- what is durable ---------------------------------------------------------------------------------------

std::uint64_t Catalog::changes() const {
    return impl_->journal.staged();
}

bool Catalog::durable(std::uint64_t change) const {
    return change <= impl_->journal.durable();
}

const Error* Catalog::failing() const {
    return impl_->journal.failing() ? &*impl_->journal.failing() : nullptr;
}

Result<void> Catalog::admit() const {
    return impl_->admit();
}

void Catalog::begin_request() {
    impl_->awaited = 0;
}

std::uint64_t Catalog::awaited() const {
    return durable(impl_->awaited) ? 0 : impl_->awaited;
}

void Catalog::submit(std::int64_t now_ms) {
    impl_->numbers.reserve_ahead();
    if (impl_->journal.all_durable()) return;
    auto& defined = impl_->defined;
    const model::QueueId end(impl_->numbers.next_queue());
    if (defined.empty() ? end > defined_end_ : end > defined.back().end)
        defined.push_back({impl_->journal.staged(), end});
    impl_->journal.submit(now_ms);
}

Catalog::QueueRange Catalog::take_defined_queues() {
    const model::QueueId begin = defined_end_;
    auto& defined = impl_->defined;
    for (; !defined.empty() && durable(defined.front().change); defined.pop_front())
        defined_end_ = defined.front().end;
    return {begin, defined_end_};
}

std::vector<model::QueueId> Catalog::take_deleted_queues() {
    std::vector<model::QueueId> taken = std::exchange(impl_->deleted_numbers, {});
    impl_->numbers.take_back(taken);
    auto& deleted = impl_->deleted_queues;
    for (; !deleted.empty() && durable(deleted.front().change); deleted.pop_front())
        taken.push_back(deleted.front().queue);
    return taken;
}

Result<void> Catalog::close() {
    impl_->numbers.stage_exact();
    return impl_->journal.commit();
}

}  // namespace posthorn::broker
