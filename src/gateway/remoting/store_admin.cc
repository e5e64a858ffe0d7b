#include <algorithm>
#include <array>

#include "base/log.h"
#include "call.h"
#include "gateway.h"
#include "handlers.h"
#include "wire/remoting/bodies.h"

namespace posthorn::gateway::remoting {

namespace {

constexpr std::int32_t kEntriesMax = 1'024;  // a tool shows ten; the answer stays below 100 KiB

/// False while some of them come from the disk. Entries of damaged messages are passed over.
bool read_entries(Gateway& gateway, model::QueueId queue, model::QueueOffset from, std::int32_t most,
                  wire::ConsumeQueue& shown) {
    std::array<store::Entry, 64> entries;
    const model::QueueOffset end =
        std::min(gateway.broker.range(queue).end, from + static_cast<std::uint64_t>(most));
    while (from < end) {
        std::size_t count = 0;
        const std::size_t want = std::min<std::uint64_t>(entries.size(), end - from);
        const store::Read read = gateway.broker.entries(queue, from, std::span(entries).first(want), &count);
        if (store::not_now(read)) return false;
        for (const store::Entry& entry : std::span(entries).first(count))
            shown.entries.push_back(
                {physical_offset({entry.position, false}), static_cast<std::int32_t>(entry.size), entry.tag});
        from = from + std::max<std::size_t>(count, 1);
    }
    return true;
}

/// What the original says beside the entries when a tool names a group.
void show_group(const Gateway& gateway, std::string_view group, std::string_view topic,
                wire::ConsumeQueue& shown) {
    const ConsumerGroup* consumers = gateway.clients.consumers(group);
    const Subscription* subscription = consumers ? consumers->subscription(topic) : nullptr;
    shown.filter_text = subscription ? "null" : fmt::format("{}@{} is not online!", group, topic);
    shown.subscription = subscription ? &subscription->data : nullptr;
}

}  // namespace

void query_consume_queue(Call& call) {
    std::string_view topic_name;
    std::int32_t number = 0, count = 0;
    std::int64_t index = 0;
    if (!call.text("topic", topic_name) || !call.number("queueId", number) || !call.number("index", index) ||
        !call.number("count", count))
        return;
    const model::Topic* topic = call.session.topic(topic_name);
    if (!topic || number < 0 || static_cast<std::size_t>(number) >= topic->queues.size())
        return call.fail(ResponseCode::system_error, fmt::format("{}@{} is not exist!", number, topic_name));
    const model::QueueId queue = topic->queues[static_cast<std::size_t>(number)];
    const store::Range range = call.gateway.broker.range(queue);
    wire::ConsumeQueue shown;
    shown.min_index = static_cast<std::int64_t>(range.begin.value());
    shown.max_index = static_cast<std::int64_t>(range.end.value());
    if (const std::string_view group = call.header.text("consumerGroup"); !group.empty())
        show_group(call.gateway, group, topic_name, shown);

    std::string remark;
    if (index < shown.min_index || index >= shown.max_index) {
        remark = fmt::format("Index {} of {}@{} is not exist!", index, number, topic_name);
    } else {
        const auto from = model::QueueOffset(static_cast<std::uint64_t>(index));
        if (!read_entries(call.gateway, queue, from, std::clamp(count, 1, kEntriesMax), shown) && call.park())
            return;
    }
    auto writer = call.reply(ResponseCode::success, remark);
    wire::write_consume_queue(writer.body(), shown);
    if (const auto done = writer.finish(); !done) call.fail(done.error());
}

void drop_expired_messages(Call& call) {
    log_info("remoting", "segments past their time are dropped now, asked by {}", call.session.peer_text());
    call.gateway.broker.drop_expired();
    call.ok();
}

void clean_nothing(Call& call) {
    // The original sweeps index files of topics and segments that are gone. Here an index lies in its segment
    // and a deleted topic's go with it.
    call.ok();
}

}  // namespace posthorn::gateway::remoting
