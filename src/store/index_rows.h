#pragma once

#include <algorithm>
#include <cstdint>

#include "base/bytes.h"
#include "store/log.h"

namespace posthorn::store {

// The rows of an index, the same in memory and in the index file (docs/formats/log.md).

/// One message: 24 bytes. `at` counts from the start of the segment file.
struct EntryRow {
    std::uint64_t time_size = 0;      ///< 48 bits store time, 16 low bits of the size
    std::uint64_t deadline_size = 0;  ///< 48 bits deadline, 16 high bits of the size
    std::uint32_t at = 0;
    std::int32_t tag = 0;

    static EntryRow make(std::int64_t time, std::int64_t deadline, std::uint32_t size, std::uint32_t at,
                         std::int32_t tag) {
        const std::int64_t largest = (std::int64_t{1} << 48) - 1;  // the year 10889
        const auto milliseconds = [largest](std::int64_t ms) {
            return static_cast<std::uint64_t>(std::clamp<std::int64_t>(ms, 0, largest));
        };
        return {milliseconds(time) << 16 | (size & 0xFFFF), milliseconds(deadline) << 16 | size >> 16, at,
                tag};
    }
    /// Holds the place of an offset whose message does not lie in this log. Only in memory.
    static EntryRow hole(const EntryRow& before) {
        return {before.time_size & ~std::uint64_t{0xFFFF}, 0, 0, 0};
    }
    bool is_hole() const { return size() == 0; }
    std::int64_t time() const { return static_cast<std::int64_t>(time_size >> 16); }
    std::uint32_t size() const {
        return static_cast<std::uint32_t>((time_size & 0xFFFF) | (deadline_size & 0xFFFF) << 16);
    }
    Entry entry(std::uint64_t segment_begin) const {
        Entry entry;
        entry.position = Position(segment_begin + at);
        entry.size = size();
        entry.tag = tag;
        entry.time = time();
        entry.deadline = static_cast<std::int64_t>(deadline_size >> 16);
        return entry;
    }

    static constexpr std::size_t bytes = 24;
    void write(std::byte* to) const {
        store_le(to, time_size);
        store_le(to + 8, deadline_size);
        store_le(to + 16, at);
        store_le(to + 20, tag);
    }
    static EntryRow read(const std::byte* from) {
        return {load_le<std::uint64_t>(from), load_le<std::uint64_t>(from + 8),
                load_le<std::uint32_t>(from + 16), load_le<std::int32_t>(from + 20)};
    }
};

/// Neighbouring offsets of one queue in one segment.
struct RunRow {
    std::uint32_t queue = 0;
    std::uint32_t count = 0;
    std::uint64_t base = 0;
    std::uint32_t first = 0;  ///< row of its first entry

    bool holds(std::uint64_t offset) const { return offset >= base && offset - base < count; }

    static constexpr std::size_t bytes = 24;
    void write(std::byte* to) const {
        store_le(to, queue);
        store_le(to + 4, count);
        store_le(to + 8, base);
        store_le(to + 16, first);
        store_le(to + 20, std::uint32_t{0});
    }
    static RunRow read(const std::byte* from) {
        return {load_le<std::uint32_t>(from), load_le<std::uint32_t>(from + 4),
                load_le<std::uint64_t>(from + 8), load_le<std::uint32_t>(from + 16)};
    }
};

struct EndRow {
    std::uint32_t queue = 0;
    std::uint64_t end = 0;

    static constexpr std::size_t bytes = 16;
    void write(std::byte* to) const {
        store_le(to, queue);
        store_le(to + 4, std::uint32_t{0});
        store_le(to + 8, end);
    }
    static EndRow read(const std::byte* from) {
        return {load_le<std::uint32_t>(from), load_le<std::uint64_t>(from + 8)};
    }
};

struct KeyRow {
    std::uint32_t hash = 0;  ///< high half of the key hash
    std::uint32_t at = 0;

    static std::uint32_t half(std::uint64_t key) { return static_cast<std::uint32_t>(key >> 32); }
    auto operator<=>(const KeyRow&) const = default;

    static constexpr std::size_t bytes = 8;
    void write(std::byte* to) const {
        store_le(to, hash);
        store_le(to + 4, at);
    }
    static KeyRow read(const std::byte* from) {
        return {load_le<std::uint32_t>(from), load_le<std::uint32_t>(from + 4)};
    }
};

/// Bytes of a segment that contradict their checksum.
struct DamagedRange {
    std::uint32_t at = 0, size = 0;
};

}  // namespace posthorn::store
