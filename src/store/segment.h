#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "env/files.h"
#include "index_file.h"
#include "segment_index.h"

namespace posthorn::store {

/// Bytes before the first batch of every segment file.
inline constexpr std::uint64_t header_page_bytes = 4096;

struct SegmentHeader {
    std::uint64_t store_id = 0, begin = 0, capacity = 0;
    std::string name;
};

Buffer encode_header(const SegmentHeader& header);
/// Nothing when the page is not good.
std::optional<SegmentHeader> decode_header(Bytes page);

std::string segment_file_name(std::uint64_t begin);
std::string index_file_name(std::uint64_t begin);
/// The begin in a name with this ending (".seg", ".idx"), if it is one of ours.
std::optional<std::uint64_t> parse_file_name(std::string_view name, std::string_view ending);

/// One segment of an open log: active (the last), full (waiting to be sealed) or sealed.
struct Segment {
    static constexpr std::uint64_t never = std::numeric_limits<std::uint64_t>::max();

    std::uint32_t number = 0;  ///< rises with the position; only while the log is open
    std::uint64_t begin = 0, capacity = 0;
    std::uint64_t end = 0;  ///< of its data, a position
    std::int64_t first_time = 0, last_time = 0;
    std::uint64_t live = 0;
    std::uint64_t dead_at = 0;  ///< when nothing lived any more the log ended here

    std::vector<std::uint32_t> cuts;  ///< places in the file where a reader may start
    std::vector<DamagedRange> damaged;

    /// Until it is sealed:
    std::shared_ptr<SegmentIndex> index;
    std::vector<EndRow> ends;           ///< of every queue, taken when it was full
    std::uint64_t sealable_at = never;  ///< may be sealed when everything before is synced
    std::uint64_t touched = 0;          ///< up to this place the file was written to, if syncs come often
    bool unsynced = false;              ///< bytes were written since the last sync
    bool name_unsynced = false;
    bool header_good = true;
    bool has_moved =
        false;  ///< copies of messages that were moved here lie in it (sealed, where live ones count)

    /// From then on:
    std::unique_ptr<IndexSummary> summary;
    std::vector<RunRow> runs;  ///< the directory, where live messages are counted

    /// Files of sealed segments are opened when they are read and may be closed again.
    std::shared_ptr<env::File> file, index_file;
    std::uint64_t last_use = 0;

    bool sealed() const { return summary != nullptr; }
    std::uint64_t limit() const { return begin + capacity; }
    std::uint64_t data_begin() const { return begin + header_page_bytes; }
    std::uint64_t disk_bytes() const { return capacity + (summary ? summary->file_bytes() : 0); }
};

}  // namespace posthorn::store
