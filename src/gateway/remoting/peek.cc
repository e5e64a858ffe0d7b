#include "peek.h"

#include <array>

#include "gateway.h"
#include "wire/remoting/message.h"

namespace posthorn::gateway::remoting {

std::int64_t StoreTimes::of(model::QueueId queue, std::optional<model::QueueOffset> offset) {
    if (queue.value() == 0) return -1;
    const store::Range range = gateway.broker.range(queue);
    const model::QueueOffset wanted = offset.value_or(range.begin);
    if (wanted < range.begin || wanted >= range.end) return -1;
    std::array<store::Entry, 1> entry;
    std::size_t count = 0;
    const store::Read read = gateway.broker.entries(queue, wanted, entry, &count);
    loading |= store::not_now(read);
    return count == 0 ? -1 : entry[0].time;
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
