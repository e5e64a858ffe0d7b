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
    if (size_ > 0) sink(0, moved);
    drop_empty_chunks();
}

void Timers::remove_from(std::int64_t due_ms, const std::function<void(const Timer&)>& removed) {
    std::size_t kept = 0;
    for (std::size_t n = 0; n < size_; ++n) {
        const Timer timer = at(n);
        if (timer.due_ms >= due_ms)
            removed(timer);
        else
            at(kept++) = timer;
    }
    size_ = kept;
    for (std::size_t n = size_ < 2 ? 0 : (size_ - 2) / 4 + 1; n-- > 0;)
        sink(n, at(n));
    drop_empty_chunks();
}

/// Puts a timer into the hole, or deeper, where none below it is due before it.
void Timers::sink(std::size_t hole, Timer timer) {
    for (;;) {
        const std::size_t child = hole * 4 + 1;
        if (child >= size_) break;
        std::size_t least = child;
        for (std::size_t n = child + 1; n < std::min(child + 4, size_); ++n)
            if (at(n) < at(least)) least = n;
        if (!(at(least) < timer)) break;
        at(hole) = at(least);
        hole = least;
    }
    at(hole) = timer;
}

void Timers::drop_empty_chunks() {
    // One empty chunk stays, so that a timer that comes and goes at a border allocates nothing.
    while (chunks_.size() > size_ / chunk_items + 2)
        chunks_.pop_back();
}

}  // namespace posthorn::broker
