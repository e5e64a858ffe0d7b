#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/files.h"
#include "index_rows.h"
#include "segment_index.h"

namespace posthorn::store {

/// The unit in which index files are checked and read: six pages, and a whole number of rows of any kind.
inline constexpr std::uint32_t index_unit_bytes = 24'576;

/// What stays in memory of the index file of a sealed segment: enough to find the one unit that holds a row.
struct IndexSummary {
    std::uint64_t begin = 0, end = 0, capacity = 0;
    std::int64_t first_time = 0, last_time = 0;
    std::uint64_t summary_at = 0;
    std::uint32_t runs = 0, entries = 0, ends = 0, keys = 0;
    std::vector<std::uint32_t> unit_crcs;
    std::vector<std::uint32_t> run_fences, end_fences;  ///< first queue of each unit
    std::vector<std::uint32_t> cuts;
    std::vector<DamagedRange> damaged;

    template <class Row>
    static constexpr std::uint32_t rows_per_unit() {
        return index_unit_bytes / Row::bytes;
    }
    template <class Row>
    static constexpr std::uint32_t units(std::uint32_t rows) {
        return (rows + rows_per_unit<Row>() - 1) / rows_per_unit<Row>();
    }
    std::uint32_t first_entry_unit() const { return units<RunRow>(runs); }
    std::uint32_t first_end_unit() const { return first_entry_unit() + units<EntryRow>(entries); }
    std::uint32_t first_key_unit() const { return first_end_unit() + units<EndRow>(ends); }
    std::uint32_t unit_count() const { return first_key_unit() + units<KeyRow>(keys); }

    /// Rows of a kind that stand in the n-th unit of their section.
    template <class Row>
    static std::uint32_t rows_in(std::uint32_t rows, std::uint32_t unit) {
        return std::min(rows - unit * rows_per_unit<Row>(), rows_per_unit<Row>());
    }
    std::uint64_t file_bytes() const;
};

/// What an index file is made from. Nothing in it changes any more.
struct IndexSource {
    std::uint64_t store_id = 0, begin = 0, end = 0, capacity = 0;
    std::int64_t first_time = 0, last_time = 0;
    std::shared_ptr<SegmentIndex> index;
    std::vector<EndRow> ends;  ///< by queue
    std::vector<std::uint32_t> cuts;
    std::vector<DamagedRange> damaged;
};

/// Writes the file beside its place, syncs it, renames it and syncs the directory. Any thread.
Result<IndexSummary> write_index(env::Files& files, const std::string& directory, const std::string& name,
                                 const IndexSource& source);

/// Errc::damaged when footer or summary are not good; the units are checked when they are read.
Result<IndexSummary> read_summary(env::File& file, std::uint64_t store_id);

/// Whole sections, read and checked unit by unit; waits for the disk.
Result<std::vector<RunRow>> read_runs(env::File& file, const IndexSummary& summary);
Result<std::vector<EndRow>> read_ends(env::File& file, const IndexSummary& summary);

/// Offsets in the segment file of what may have this key, newest first; waits for the disk.
Result<std::vector<std::uint32_t>> find_keys(env::File& file, const IndexSummary& summary, std::uint64_t key);

}  // namespace posthorn::store
