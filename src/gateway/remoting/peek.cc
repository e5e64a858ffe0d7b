#include "peek.h"

#include "gateway.h"
#include "wire/remoting/message.h"

namespace posthorn::gateway::remoting {

namespace {

class TimeOfOne final : public broker::MessageSink {
  public:
    bool on_message(const broker::Stored& message, model::QueueOffset) override {
        time = message.time;
        return false;
    }
    std::int64_t time = -1;
};

}  // namespace

std::int64_t StoreTimes::of(model::QueueId queue, std::optional<model::QueueOffset> offset) {
    if (queue.value() == 0) return -1;
    const store::Range range = gateway.broker.range(queue);
    const model::QueueOffset wanted = offset.value_or(range.begin);
    if (wanted < range.begin || wanted >= range.end) return -1;
    TimeOfOne sink;
    const auto fetched = gateway.broker.fetch({.queue = queue, .from = wanted, .max_messages = 1}, sink);
    loading |= fetched.status == broker::FetchStatus::loading;
    return sink.time;
}

Result<std::string> copy_message(Gateway& gateway, const Session& session, Place place) {
    std::string copy;
    const auto read =
        gateway.broker.read_at(place.position, place.delayed, [&](const broker::Stored& message) {
            if (message.kind != store::RecordKind::message || message.format != kRemotingFormat) return;
            copy.assign(as_text(message.payload));
            // Of a message that waits for its time the place in its queue is not known yet.
            const std::uint64_t offset =
                place.delayed || message.destination_count() == 0 ? 0 : message.offset(0).value();
            wire::patch_stored({reinterpret_cast<std::byte*>(copy.data()), copy.size()},
                               static_cast<std::int64_t>(offset), physical_offset(place), message.time,
                               session.advertised());
        });
    if (!read) return read.error();
    if (copy.empty()) return Error{Errc::not_found, "no message of a RocketMQ client begins there"};
    return copy;
}

}  // namespace posthorn::gateway::remoting
