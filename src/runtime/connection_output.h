#pragma once

#include <cstddef>

#include "runtime/connection.h"

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

}  // namespace posthorn::runtime
