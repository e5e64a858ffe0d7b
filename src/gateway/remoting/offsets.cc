#include <unistd.h>

#include <limits>

#include "call.h"
#include "catalog_rules.h"
#include "gateway.h"
#include "handlers.h"
#include "peek.h"

namespace posthorn::gateway::remoting {

namespace {

/// The queue a request names; none (0) for a topic or number that is not there.
model::QueueId find_queue(const model::Topic* topic, std::int32_t number) {
    if (!topic || number < 0 || static_cast<std::size_t>(number) >= topic->queues.size()) return {};
    return topic->queues[static_cast<std::size_t>(number)];
}

/// Topic and queue number as all requests of this file carry them.
bool read_queue(Call& call, std::string_view& topic_name, const model::Topic*& topic, std::int32_t& number) {
    if (!call.text("topic", topic_name) || !call.number("queueId", number)) return false;
    topic = call.session.topic(topic_name);
    return true;
}

void answer_offset(Call& call, std::uint64_t offset) {
    auto writer = call.reply();
    writer.field("offset", offset);
    (void)writer.finish();
}

class FirstMessage final : public broker::MessageSink {
  public:
    bool on_message(const broker::Stored& message, model::QueueOffset) override {
        position = message.position, time = message.time, seen = true;
        return false;
    }
    store::Position position;
    std::int64_t time = 0;
    bool seen = false;
};

/// Whether the first message of the queue counts as "in memory". The original asks this of the page cache by
/// distance: young means within 40 % of the machine's memory from the end.
bool starts_young(Gateway& gateway, model::QueueId queue) {
    const store::Log& log = gateway.broker.stream_log();
    const auto memory = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) *
                        static_cast<double>(::sysconf(_SC_PAGE_SIZE)) * gateway.options.in_memory_ratio;
    const auto young = static_cast<std::uint64_t>(memory);
    if (log.end() - log.begin() <= young) return true;
    FirstMessage first;
    const auto range = gateway.broker.range(queue);
    if (range.empty()) return true;
    (void)gateway.broker.fetch({.queue = queue, .from = range.begin, .max_messages = 1}, first);
    return first.seen && log.end() - first.position <= young;
}

/// The first or the next offset of the queue the request names.
void answer_end_of(Call& call, model::QueueOffset store::Range::*end) {
    std::string_view topic_name;
    const model::Topic* topic = nullptr;
    std::int32_t number = 0;
    if (!read_queue(call, topic_name, topic, number)) return;
    answer_offset(call, (call.gateway.broker.range(find_queue(topic, number)).*end).value());
}

}  // namespace

void query_consumer_offset(Call& call) {
    std::string_view group_name, topic_name;
    const model::Topic* topic = nullptr;
    std::int32_t number = 0;
    bool zero_if_none = true;
    if (!call.text("consumerGroup", group_name) || !read_queue(call, topic_name, topic, number) ||
        !call.truth_or("setZeroIfNotFound", true, zero_if_none))
        return;
    Gateway& gateway = call.gateway;
    const model::QueueId queue = find_queue(topic, number);
    const model::Group* group = call.session.group(group_name);
    if (group && queue.value() != 0)
        if (const auto offset = gateway.broker.progress(group->id, queue))
            return answer_offset(call, offset->value());

    // A group that never was here reads a young queue from its start, whatever it wanted; of an old one the
    // client decides itself.
    if (queue.value() != 0 && zero_if_none && gateway.broker.range(queue).begin.value() == 0 &&
        starts_young(gateway, queue))
        return answer_offset(call, 0);
    call.fail(ResponseCode::query_not_found,
              "Not found, V3_0_6_SNAPSHOT maybe this group consumer boot first");
}

void update_consumer_offset(Call& call) {
    std::string_view group_name, topic_name;
    const model::Topic* topic = nullptr;
    std::int32_t number = 0;
    std::int64_t offset = 0;
    if (!call.text("consumerGroup", group_name) || !read_queue(call, topic_name, topic, number) ||
        !call.number("commitOffset", offset))
        return;
    if (!topic)
        return call.fail(ResponseCode::topic_not_exist,
                         fmt::format("topic[{}] not exist, its offset cannot be committed", topic_name));
    const model::QueueId queue = find_queue(topic, number);
    if (queue.value() == 0 || offset < 0)
        return call.fail(ResponseCode::system_error,
                         fmt::format("queueId[{}] or offset[{}] is illegal, topic:[{}] has {} read queues",
                                     number, offset, topic_name, topic->read_queues));
    const auto group = find_or_create_group(call.gateway, call.session, group_name);
    if (!group) return call.fail(ResponseCode::subscription_group_not_exist, group.error().message);
    const auto kept = call.gateway.broker.commit_progress(
        (*group)->id, queue, model::QueueOffset(static_cast<std::uint64_t>(offset)));
    if (!kept) return call.fail(kept.error());
    call.ok();
}

void get_max_offset(Call& call) {
    answer_end_of(call, &store::Range::end);
}

void get_min_offset(Call& call) {
    answer_end_of(call, &store::Range::begin);
}

void search_offset_by_time(Call& call) {
    std::string_view topic_name;
    const model::Topic* topic = nullptr;
    std::int32_t number = 0;
    std::int64_t wall_ms = 0;
    if (!read_queue(call, topic_name, topic, number) || !call.number("timestamp", wall_ms)) return;
    const model::QueueId queue = find_queue(topic, number);
    if (queue.value() == 0) return answer_offset(call, 0);
    // UPPER (5.x) wants the last message not younger, LOWER and older clients the first not older.
    const bool upper =
        call.header.text("boundaryType") == "upper" || call.header.text("boundaryType") == "UPPER";
    const bool last = wall_ms == std::numeric_limits<std::int64_t>::max();
    const auto found = call.gateway.broker.offset_by_time(queue, upper && !last ? wall_ms + 1 : wall_ms);
    if (!found)
        return call.park_or_fail(found.error(), response_code(found.error().code), found.error().message);
    const std::uint64_t begin = call.gateway.broker.range(queue).begin.value();
    const std::uint64_t offset = found->value();
    answer_offset(call, upper && offset > begin ? offset - 1 : offset);
}

void get_earliest_store_time(Call& call) {
    std::string_view topic_name;
    const model::Topic* topic = nullptr;
    std::int32_t number = 0;
    if (!read_queue(call, topic_name, topic, number)) return;
    StoreTimes times{call.gateway};
    const std::int64_t time = times.of(find_queue(topic, number), {});
    if (times.loading && call.park()) return;
    auto writer = call.reply();
    writer.field("timestamp", time);
    (void)writer.finish();
}

}  // namespace posthorn::gateway::remoting
