#pragma once

#include <cstddef>
#include <utility>

#include "runtime/connections.h"

// What runs for every receive and send, across the files of this room.

namespace posthorn::runtime {

/// The unsent bytes in order, piece by piece.
template <class Take>
void Connection::each_unsent(Take take) const {
    std::size_t at = sent_;
    for (const Borrowed& piece : borrowed_) {
        if (piece.at > at) take(out_.view().subspan(at, piece.at - at));
        take(piece.bytes);
        at = piece.at;
    }
    if (out_.size() > at) take(out_.view().subspan(at));
}

inline void Connection::touch() {
    active_ms_ = owner_.loop_.now_ns() / 1'000'000;
}

inline bool Connection::wants_input() const {
    return !paused_ && (!congested_ || owner_.options_.read_while_congested) && !closing_ && !connecting_;
}

inline Buffer Connections::take_buffer() {
    if (spare_.empty()) return {};
    Buffer buffer = std::move(spare_.back());
    spare_.pop_back();
    return buffer;
}

inline void Connections::flush_again() {
    if (flushed_tick_ == loop_.ticks()) loop_.tick_again();
}

}  // namespace posthorn::runtime
