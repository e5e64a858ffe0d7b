#include "timers.h"

#include <algorithm>

namespace posthorn::broker {

void Timers::add(Timer timer) {
    if (size_ == chunks_.size() * chunk_items) chunks_.push_back(std::make_unique_for_overwrite<Chunk>());
    std::size_t hole = size_++;
    while (hole > 0) {
        const std::size_t parent = (hole - 1) / 4;
        if (!(timer < at(parent))) break;
        at(hole) = at(parent);
        hole = parent;
    }
    at(hole) = timer;
}

void Timers::remove_first() {
    const Timer moved = at(--size_);
    std::size_t hole = 0;
    for (;;) {
        const std::size_t child = hole * 4 + 1;
        if (child >= size_) break;
        std::size_t least = child;
        for (std::size_t n = child + 1; n < std::min(child + 4, size_); ++n)
            if (at(n) < at(least)) least = n;
        if (!(at(least) < moved)) break;
        at(hole) = at(least);
        hole = least;
    }
    if (size_ > 0) at(hole) = moved;
    // One empty chunk stays, so that a timer that comes and goes at a border allocates nothing.
    if (chunks_.size() > size_ / chunk_items + 2) chunks_.pop_back();
}

}  // namespace posthorn::broker
