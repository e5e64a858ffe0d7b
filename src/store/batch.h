#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/check.h"
#include "store/record.h"

namespace posthorn::store {

/// The records of one write under one checksum; docs/formats/log.md draws it.
struct Batch {
    std::uint32_t size = 0;  ///< with its head
    std::uint32_t records = 0;
    std::uint64_t synced = 0;    ///< everything before was durable when it was closed
    std::uint64_t previous = 0;  ///< end of the batch before
};

inline constexpr std::size_t batch_head_bytes = 32;
inline constexpr std::uint32_t batch_magic = 0x31624850;  // "PHb1"

/// Batches are closed at this size. One record may be larger, and then has a batch of its own.
inline constexpr std::size_t batch_bytes = 4u << 20;
/// What a reader believes at most: more than any record may have.
inline constexpr std::size_t largest_batch_bytes = 256u << 20;

/// Writes the head of the batch that lies in `bytes` (whole, `batch.size` long) and its checksum.
void seal_batch(std::byte* bytes, const Batch& batch, std::uint64_t store_id, std::uint64_t position);

/// What the head says, if it may be one: enough to know how many bytes `check_batch` needs.
std::optional<Batch> peek_batch(Bytes bytes);

/// The batch at the start of `bytes`, if it is whole and good: checksum for this store and this position,
/// and as many records as it says, each consistent.
std::optional<Batch> check_batch(Bytes bytes, std::uint64_t store_id, std::uint64_t position);

/// Calls `visit(const Record&)` for each record of a good batch that starts at `position`.
template <class Visit>
void for_each_record(Bytes batch, std::uint64_t position, Visit&& visit) {
    for (std::size_t at = batch_head_bytes; at < batch.size();) {
        const auto record = decode_record(Position(position + at), batch.subspan(at));
        POSTHORN_CHECK(record.has_value(), "a checked batch holds a record that contradicts itself");
        at += padded(record->size);
        visit(*record);
    }
}

}  // namespace posthorn::store
