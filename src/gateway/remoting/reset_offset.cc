#include <algorithm>

#include "base/log.h"
#include "call.h"
#include "catalog_rules.h"
#include "gateway.h"
#include "handlers.h"
#include "wire/remoting/bodies.h"

namespace posthorn::gateway::remoting {

namespace {

struct Reset {
    std::string_view topic, group;
    std::int64_t wall_ms = 0;  ///< -1: behind the last message
    std::int32_t queue = -1;   ///< one queue (5.x); -1 all
    std::int64_t offset = -1;  ///< of that queue (5.x); -1 by time
    bool force = false;        ///< also forward

    bool read(Call& call) {
        return call.text("topic", topic) && call.text("group", group) && call.number("timestamp", wall_ms) &&
               call.truth_or("isForce", false, force) && call.number_or("queueId", -1, queue) &&
               call.number_or("offset", -1, offset);
    }
};

Result<std::int64_t> target(Gateway& gateway, const Reset& reset, model::QueueId queue) {
    const store::Range range = gateway.broker.range(queue);
    if (reset.offset >= 0) {
        const auto offset = static_cast<std::uint64_t>(reset.offset);
        if (offset < range.begin.value() || offset > range.end.value())
            return Error{Errc::invalid, fmt::format("Target offset {} not in consume queue range [{}-{}]",
                                                    offset, range.begin.value(), range.end.value())};
        return reset.offset;
    }
    if (reset.wall_ms == -1) return static_cast<std::int64_t>(range.end.value());
    const auto found = gateway.broker.offset_by_time(queue, reset.wall_ms);
    if (!found) return found.error();
    return static_cast<std::int64_t>(found->value());
}

/// Where each queue shall go on. Without force only backwards, as in the original. Asks for all of them even
/// when one is on its way from the disk, so that they come together.
Result<wire::QueueOffsets> plan(Gateway& gateway, const Reset& reset, const model::Topic& topic,
                                const model::Group& group) {
    wire::QueueOffsets offsets;
    std::optional<Error> loading;
    for (std::uint32_t n = 0; n < topic.read_queues; ++n) {
        if (reset.queue >= 0 && n != static_cast<std::uint32_t>(reset.queue)) continue;
        auto wanted = target(gateway, reset, topic.queues[n]);
        if (!wanted && wanted.error().code == Errc::loading) {
            loading = wanted.error();
            continue;
        }
        if (!wanted) return wanted.error();
        const auto now = gateway.broker.progress(group.id, topic.queues[n]);
        if (now && !reset.force) *wanted = std::min(*wanted, static_cast<std::int64_t>(now->value()));
        offsets[{topic.name, gateway.options.broker_name, static_cast<std::int32_t>(n)}] = *wanted;
    }
    if (loading) return *loading;
    return offsets;
}

/// Members hold their own offsets while they consume; they are told to take the new ones.
void tell_members(Gateway& gateway, const Reset& reset, const wire::QueueOffsets& offsets) {
    const ConsumerGroup* consumers = gateway.clients.consumers(reset.group);
    if (!consumers) return;
    for (const Member& member : consumers->members) {
        Session* session = gateway.sessions.find(member.session);
        if (!session) continue;
        auto push = wire::FrameWriter::request(session->out(), session->encoding(),
                                               RequestCode::reset_consumer_client_offset, 0, true);
        push.field("topic", reset.topic);
        push.field("group", reset.group);
        push.field("timestamp", reset.wall_ms);
        push.field("isForce", reset.force);
        if (member.language == wire::Language::cpp)
            wire::write_reset_offset_for_c(push.body(), offsets);
        else
            wire::write_reset_offset(push.body(), offsets);
        (void)push.finish();
    }
}

}  // namespace

void reset_offset(Call& call) {
    Reset reset;
    if (!reset.read(call)) return;
    Gateway& gateway = call.gateway;
    const model::Topic* topic = call.session.topic(reset.topic);
    if (!topic)
        return call.fail(ResponseCode::topic_not_exist, fmt::format("Topic {} does not exist", reset.topic));
    const model::Group* group = call.session.group(reset.group);
    if (!group || deleted(*group))
        return call.fail(ResponseCode::subscription_group_not_exist,
                         fmt::format("Group {} does not exist", reset.group));
    const auto offsets = plan(gateway, reset, *topic, *group);
    if (!offsets)
        return call.park_or_fail(offsets.error(), ResponseCode::system_error, offsets.error().message);
    if (offsets->empty()) return call.fail(ResponseCode::system_error, "No queues to reset.");

    for (const auto& [queue, offset] : *offsets) {
        const auto kept =
            gateway.broker.commit_progress(group->id, topic->queues[static_cast<std::size_t>(queue.queue_id)],
                                           model::QueueOffset(static_cast<std::uint64_t>(offset)));
        if (!kept) return call.fail(kept.error());
    }
    tell_members(gateway, reset, *offsets);
    log_info("remoting", "offsets of group {} in topic {} reset by {} to time {}", reset.group, reset.topic,
             call.session.peer_text(), reset.wall_ms);
    call.ok_body([&](Buffer& out) { wire::write_reset_offset(out, *offsets); });
}

}  // namespace posthorn::gateway::remoting
