#include "core.h"

#include <algorithm>

namespace posthorn::broker {

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

}  // namespace posthorn::broker
