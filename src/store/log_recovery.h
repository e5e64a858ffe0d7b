#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "log_impl.h"
#include "scan.h"

namespace posthorn::store {

/// The log's files by kind, oldest first.
struct Log::Impl::Names {
    std::vector<std::uint64_t> segments, indexes;
};

/// The segments that were not sealed, while their batches are read one after the other.
struct Log::Impl::Recovery {
    struct Piece {
        Segment* segment;
        std::unique_ptr<Scanner> scanner;
    };
    struct Next {
        std::size_t piece;
        Scanner::Found found;
    };

    std::uint64_t store_id = 0;
    std::vector<Piece> pieces;
    std::size_t at = 0;          ///< the piece that is being read
    std::uint64_t position = 0;  ///< of its next batch
    std::optional<std::uint64_t> vouched;

    /// The next good batch at the position or anywhere later.
    std::optional<Next> next();
    /// Errc::io if what lies at the position or later was looked at and could not be read.
    Result<void> readable() const;
    /// The highest position that a good batch from here on says was synced.
    std::uint64_t vouched_for();
    /// Where data could go on: behind the position, or, when nothing follows it in its segment, at the start
    /// of the next. Nothing between the two can have been lost.
    std::uint64_t reached() const;
    /// Whether there is anything but zeros from the position on.
    bool leftovers();
};

}  // namespace posthorn::store
