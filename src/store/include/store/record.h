#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/strong.h"
#include "model/ids.h"

namespace posthorn::store {

/// A byte in a log, counted from the first byte the log ever held. Never reused but for a torn tail that was
/// cut at recovery.
using Position = Strong<struct PositionTag, std::uint64_t>;

/// The highest bit tells which log a message lies in: set for the volatile log, whose positions mean nothing
/// to anybody but itself and are used again.
inline constexpr std::uint64_t volatile_position = std::uint64_t{1} << 63;
constexpr bool is_volatile(Position position) {
    return (position.value() & volatile_position) != 0;
}

/// Which protocol's bytes the payload is in. The store and the broker never look inside.
using Format = Strong<struct FormatTag, std::uint8_t>;

enum class RecordKind : std::uint8_t {
    message = 1,  ///< for one or more queues
    state = 2,    ///< the broker's own notes: settled offsets, progress, cuts (see broker/state_records.h)
};

/// One message's place in one queue.
struct Place {
    model::QueueId queue;
    model::QueueOffset offset;
    bool operator==(const Place&) const = default;
};

/// What a writer says about a record. Everything that TTL, filters, search and console read stands here, so
/// that the payload is touched only when it leaves the house.
struct NewRecord {
    RecordKind kind = RecordKind::message;
    Format format{};
    std::uint8_t priority = 0;
    std::int32_t tag = 0;       ///< model::tag_hash, or 0
    std::uint64_t key = 0;      ///< key_hash of the client's message id; 0 none
    std::int64_t deadline = 0;  ///< wall ms: due time of a delayed message, else expiry; 0 none
    std::uint64_t origin = 0;   ///< 1 + offset in the timer queue of the delayed message this was; 0 none
    model::QueueId target{};    ///< where a delayed message goes when it is due; 0 none
    std::span<const model::QueueId> queues;  ///< destinations of a message, 1..255; empty for state
    Bytes payload;
};

/// A record as it lies in a log. Views into the tail or into a loaded block: valid until the next call that
/// may append to or load into the same log.
struct Record {
    Position position;
    std::uint32_t size = 0;  ///< with head, without padding
    RecordKind kind{};
    Format format{};
    std::uint8_t priority = 0;
    std::int32_t tag = 0;
    std::uint64_t key = 0;
    std::int64_t time = 0;  ///< store time, wall ms, never falls along the log
    std::int64_t deadline = 0;
    std::uint64_t origin = 0;
    model::QueueId target{};
    Bytes destinations;  ///< 12 bytes each: queue id u32, offset u64; read by `destination`
    Bytes payload;

    std::size_t destination_count() const { return destinations.size() / 12; }
    model::QueueId queue(std::size_t n) const {
        return model::QueueId(load_le<std::uint32_t>(destinations.data() + 12 * n));
    }
    model::QueueOffset offset(std::size_t n) const {
        return model::QueueOffset(load_le<std::uint64_t>(destinations.data() + 12 * n + 4));
    }
    Place place(std::size_t n) const { return {queue(n), offset(n)}; }
};

/// The head, little endian, 8-aligned in the log (docs/formats/log.md draws it):
///   0 size u32 | 4 kind u8 | 5 format u8 | 6 destinations u8 | 7 priority u8
///   8 time i64 | 16 deadline i64 | 24 origin u64 | 32 key u64 | 40 tag i32 | 44 target u32
///  48 destinations x { queue u32, offset u64 } | payload | zero to the next multiple of 8
inline constexpr std::size_t record_head_bytes = 48;
inline constexpr std::size_t destination_bytes = 12;
inline constexpr std::size_t most_destinations = 255;  ///< of one record

constexpr std::size_t record_bytes(std::size_t destinations, std::size_t payload) {
    return record_head_bytes + destinations * destination_bytes + payload;
}
constexpr std::size_t padded(std::size_t size) {
    return (size + 7) & ~std::size_t{7};
}

/// The record at the start of `bytes`, which may go on behind it; nothing when they contradict themselves
/// (size beyond `bytes`, unknown kind). Says nothing about checksums: those are the batch's.
std::optional<Record> decode_record(Position position, Bytes bytes);

/// The 64-bit hash keys are searched by. Stable across versions: it is in files.
std::uint64_t key_hash(std::string_view key);

}  // namespace posthorn::store
