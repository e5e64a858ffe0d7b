#include "core.h"

#include <algorithm>

#include "base/log.h"

namespace posthorn::broker {
namespace {

constexpr std::int64_t read_again_after_ms = 500;

}  // namespace

void Core::read_failed(const Error& error) {
    read_again_ms = std::min(read_again_ms, now.steady_ms + read_again_after_ms);
    if (read_lines.allows(now.steady_ms * 1'000'000))
        log_error("broker",
                  "messages cannot be read now, and who reads there waits (nor {} times before): {}",
                  read_lines.left_out(), error.message);
}

Result<Core::Append> Core::append(LogId id, const store::NewRecord& record) {
    Sync& state = sync_of(id);
    const std::int64_t store_ms = std::max(state.store_ms, now.wall_ms);
    auto appended = log(id).append(record, store_ms);
    if (!appended) {
        no_space_seen |= appended.error().code == Errc::no_space;
        return appended.error();
    }
    state.store_ms = store_ms;
    state.message_appended = true;
    visibility.appended(id, record.queues[0], appended->offset);
    for (const model::QueueId other : record.queues.subspan(1))
        visibility.appended(id, other, model::QueueOffset(log(id).range(other).end.value() - 1));
    return Append{*appended, store_ms};
}

Result<Core::Append> Core::append_volatile(const store::NewRecord& record,
                                           std::span<const store::Place> places) {
    const auto position = transient->append(record, now.wall_ms, places);
    if (!position) {
        no_space_seen |= position.error().code == Errc::no_space;
        return position.error();
    }
    for (const store::Place& place : places) {
        if (catalog->owner(place.queue).durable) queue->skip(place.queue);
        if (visibility.appended_volatile(place.queue, place.offset))
            sync_of(LogId::queue).message_appended = true;
    }
    return Append{{*position, {}, places[0].offset}, now.wall_ms};
}

}  // namespace posthorn::broker
