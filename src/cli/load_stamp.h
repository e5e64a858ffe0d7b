#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace posthorn::cli {

/// What the load programs write at the beginning of every body, little-endian:
///
///     0      8          16        24      28
///     +------+----------+---------+-------+--------
///     | run  | sequence | sent_ns | crc32c| filler
///     +------+----------+---------+-------+--------
///
/// The checksum covers the 24 bytes before it: nothing the servers make up passes for one of ours.
struct LoadStamp {
    std::uint64_t run = 0;       ///< names the run, so that what older runs left is told apart
    std::uint64_t sequence = 0;  ///< unique within the run
    std::int64_t sent_ns = 0;    ///< steady clock; comparable within one machine
};
inline constexpr std::size_t kStampSize = 28;

void write_stamp(std::byte* to, const LoadStamp& stamp);  ///< kStampSize bytes
std::optional<LoadStamp> read_stamp(Bytes body);          ///< empty when the body has none

/// The same without run and checksum, for the smallest bodies, in queues to which nobody else writes.
struct ShortStamp {
    std::uint64_t sequence = 0;
    std::int64_t sent_ns = 0;
};
inline constexpr std::size_t kShortStampSize = 16;

inline void write_stamp(std::byte* to, const ShortStamp& stamp) {
    store_le(to, stamp.sequence);
    store_le(to + 8, stamp.sent_ns);
}
/// `from` has `kShortStampSize` bytes.
inline ShortStamp read_short_stamp(const std::byte* from) {
    return {load_le<std::uint64_t>(from), load_le<std::int64_t>(from + 8)};
}

}  // namespace posthorn::cli
