#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "batch.h"
#include "env/files.h"
#include "index_rows.h"

namespace posthorn::store {

/// What of these bytes is not a good batch. They lie at `at` in their segment file, which begins at position
/// `begin`, and start and end where batches do.
std::vector<DamagedRange> bad_ranges(Bytes bytes, std::uint64_t store_id, std::uint64_t begin,
                                     std::uint32_t at);

/// Reads a segment file batch by batch, through a window that moves along it. Pages that cannot be read look
/// like bad bytes, and are remembered: whoever stands before a gap asks whether it is one.
class Scanner {
  public:
    Scanner(env::File& file, std::uint64_t file_size, std::uint64_t store_id, std::uint64_t begin)
        : file_(file), file_size_(file_size), store_id_(store_id), begin_(begin) {}

    struct Found {
        std::uint64_t position;
        Batch batch;
        Bytes bytes;  ///< until the next call
    };
    /// The good batch that starts exactly there.
    std::optional<Found> at(std::uint64_t position);
    /// The first good batch at `position` or later.
    std::optional<Found> next(std::uint64_t position);
    /// Whether everything from `position` to the end of the file is zero.
    bool zero_from(std::uint64_t position);
    /// Errc::io if some page at `position` or later was to be read and could not be.
    Result<void> readable_from(std::uint64_t position) const;

  private:
    void fill(std::uint64_t offset, std::size_t size);
    /// Bytes at `offset` in the file: `size` of them, or as many as the file has.
    Bytes window(std::uint64_t offset, std::size_t size);

    env::File& file_;
    std::uint64_t file_size_, store_id_, begin_;
    Buffer buffer_;
    std::uint64_t buffer_at_ = 0;
    std::vector<std::uint64_t> unreadable_;  ///< pages, by their offset
};

}  // namespace posthorn::store
