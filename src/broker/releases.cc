#include "releases.h"

namespace posthorn::broker {

void Releases::one(model::QueueId queue, std::uint64_t offset) {
    if (!core_.transient->release(queue, model::QueueOffset(offset)))
        core_.queue->release(queue, model::QueueOffset(offset));
}

void Releases::add(model::QueueId queue, std::uint64_t begin, std::uint64_t end, SettledSet released) {
    if (end - begin > at_once) {
        waiting_.push_back({queue, begin, end, std::move(released)});
        return;
    }
    for (; begin < end; ++begin)
        if (!released.contains(begin)) one(queue, begin);
}

void Releases::forget(model::QueueId queue) {
    std::erase_if(waiting_, [&](const Waiting& waiting) { return waiting.queue == queue; });
}

void Releases::some() {
    for (std::uint64_t left = at_once; left > 0 && !waiting_.empty();) {
        Waiting& next = waiting_.front();
        for (; next.at < next.end && left > 0; ++next.at, --left)
            if (!next.released.contains(next.at)) one(next.queue, next.at);
        if (next.at == next.end) waiting_.pop_front();
    }
}

}  // namespace posthorn::broker
