#include "ack_watch.h"

#include <algorithm>

namespace posthorn::gateway::amqp {

bool AckWatch::overdue(std::int64_t now_ms, std::int64_t timeout_ms, std::uint64_t oldest,
                       std::uint64_t next) {
    const auto young = std::find_if(notes_.begin(), notes_.end(),
                                    [&](const Note& note) { return now_ms - note.at_ms < timeout_ms; });
    const bool late = young != notes_.begin() && oldest < std::prev(young)->next;
    notes_.erase(notes_.begin(), young);
    notes_.push_back({now_ms, next});
    return late;
}

}  // namespace posthorn::gateway::amqp
