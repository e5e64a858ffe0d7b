#include "index_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/crc.h"

namespace posthorn::store {
namespace {

constexpr std::size_t footer_bytes = 128;
constexpr std::string_view footer_magic = "PHINDEX1";
constexpr std::size_t flush_bytes = 32 * index_unit_bytes;

/// The body on its way into the file: rows go into units, full units into the file.
class UnitWriter {
  public:
    UnitWriter(env::File& file, std::vector<std::uint32_t>& crcs) : file_(file), crcs_(crcs) {}

    template <class Row>
    void row(const Row& row) {
        row.write(pending_.extend(Row::bytes));
        if (pending_.size() == flush_bytes) flush();
    }
    void end_section() {
        if (const std::size_t over = pending_.size() % index_unit_bytes; over != 0) {
            std::byte* rest = pending_.extend(index_unit_bytes - over);
            std::memset(rest, 0, index_unit_bytes - over);
        }
        flush();
    }
    /// What stands behind the body.
    void append(Bytes bytes) {
        if (result_) result_ = file_.write_at(written_, bytes);
        written_ += bytes.size();
    }
    std::uint64_t written() const { return written_; }
    Result<void> result() const { return result_; }

  private:
    void flush() {
        for (std::size_t at = 0; at < pending_.size(); at += index_unit_bytes)
            crcs_.push_back(crc32c(pending_.view().subspan(at, index_unit_bytes)));
        append(pending_.view());
        pending_.clear();
    }

    env::File& file_;
    std::vector<std::uint32_t>& crcs_;
    Buffer pending_;
    std::uint64_t written_ = 0;
    Result<void> result_;
};

/// Pieces of runs that follow each other, as one row each.
std::vector<RunRow> directory(const std::vector<SegmentIndex::Run>& runs) {
    std::vector<RunRow> rows;
    std::uint32_t first = 0;
    for (const auto& run : runs) {
        if (!rows.empty() && rows.back().queue == run.row.queue &&
            rows.back().base + rows.back().count == run.row.base) {
            rows.back().count += run.row.count;
        } else {
            rows.push_back(run.row);
            rows.back().first = first;
        }
        first += run.row.count;
    }
    return rows;
}

template <class Row>
std::vector<std::uint32_t> fences(const std::vector<Row>& rows) {
    std::vector<std::uint32_t> fences;
    for (std::size_t n = 0; n < rows.size(); n += IndexSummary::rows_per_unit<Row>())
        fences.push_back(rows[n].queue);
    return fences;
}

void write_body(UnitWriter& out, const IndexSource& source, IndexSummary& summary) {
    const auto runs = source.index->sorted_runs();
    const auto rows = directory(runs);
    summary.runs = static_cast<std::uint32_t>(rows.size());
    summary.run_fences = fences(rows);
    for (const RunRow& row : rows)
        out.row(row);
    out.end_section();

    for (const auto& run : runs) {
        for (std::uint32_t n = 0; n < run.row.count; ++n)
            out.row(run.entries[n]);
        summary.entries += run.row.count;
    }
    out.end_section();

    summary.ends = static_cast<std::uint32_t>(source.ends.size());
    summary.end_fences = fences(source.ends);
    for (const EndRow& row : source.ends)
        out.row(row);
    out.end_section();

    const auto keys = source.index->sorted_keys();
    summary.keys = static_cast<std::uint32_t>(keys.size());
    for (const KeyRow& row : keys)
        out.row(row);
    out.end_section();
}

Buffer encode_summary(const IndexSummary& summary, std::uint64_t store_id) {
    Buffer out;
    for (const auto* list : {&summary.unit_crcs, &summary.run_fences, &summary.end_fences, &summary.cuts})
        for (const std::uint32_t value : *list)
            out.le(value);
    for (const DamagedRange& range : summary.damaged)
        out.le(range.at), out.le(range.size);

    const std::size_t footer = out.size();
    std::memset(out.extend(footer_bytes), 0, footer_bytes);
    std::memcpy(out.data() + footer, footer_magic.data(), footer_magic.size());
    out.patch_le(footer + 8, store_id);
    out.patch_le(footer + 16, summary.begin);
    out.patch_le(footer + 24, summary.end);
    out.patch_le(footer + 32, summary.capacity);
    out.patch_le(footer + 40, summary.first_time);
    out.patch_le(footer + 48, summary.last_time);
    out.patch_le(footer + 56, summary.summary_at);
    out.patch_le(footer + 64, summary.runs);
    out.patch_le(footer + 68, summary.entries);
    out.patch_le(footer + 72, summary.ends);
    out.patch_le(footer + 76, summary.keys);
    out.patch_le(footer + 80, static_cast<std::uint32_t>(summary.cuts.size()));
    out.patch_le(footer + 84, static_cast<std::uint32_t>(summary.damaged.size()));
    out.patch_le(footer + 124, crc32c(out.view().first(out.size() - 4)));
    return out;
}

Error damaged(const env::File& file, std::string_view what) {
    return {Errc::damaged, fmt::format("{}: {}", file.path(), what)};
}

Result<Buffer> read_exactly(env::File& file, std::uint64_t at, std::size_t size) {
    Buffer bytes;
    std::byte* to = bytes.extend(size);
    auto got = file.read_at(at, {to, size});
    if (!got) return got.error();
    if (*got != size) return damaged(file, "ends too early");
    return bytes;
}

/// One unit, checked.
Result<Buffer> read_unit(env::File& file, const IndexSummary& summary, std::uint32_t unit) {
    auto bytes = read_exactly(file, std::uint64_t{unit} * index_unit_bytes, index_unit_bytes);
    if (bytes && crc32c(bytes->view()) != summary.unit_crcs[unit])
        return damaged(file, fmt::format("unit {} contradicts its checksum", unit));
    return bytes;
}

template <class Row>
Result<std::vector<Row>> read_section(env::File& file, const IndexSummary& summary, std::uint32_t first_unit,
                                      std::uint32_t rows) {
    std::vector<Row> all;
    all.reserve(rows);
    for (std::uint32_t unit = 0; unit < IndexSummary::units<Row>(rows); ++unit) {
        auto bytes = read_unit(file, summary, first_unit + unit);
        if (!bytes) return bytes.error();
        for (std::uint32_t n = 0; n < IndexSummary::rows_in<Row>(rows, unit); ++n)
            all.push_back(Row::read(bytes->data() + n * Row::bytes));
    }
    return all;
}

/// The counts in a footer decide how much is read: they must agree with each other and with the file's size.
bool sizes_agree(const IndexSummary& summary, std::uint64_t cuts, std::uint64_t ranges,
                 std::uint64_t file_size) {
    const std::uint64_t words = std::uint64_t{summary.unit_count()} +
                                IndexSummary::units<RunRow>(summary.runs) +
                                IndexSummary::units<EndRow>(summary.ends) + cuts + 2 * ranges;
    return summary.summary_at == std::uint64_t{summary.unit_count()} * index_unit_bytes &&
           summary.summary_at + 4 * words + footer_bytes == file_size;
}

}  // namespace

std::uint64_t IndexSummary::file_bytes() const {
    return summary_at + footer_bytes + 8 * damaged.size() +
           4 * (unit_crcs.size() + run_fences.size() + end_fences.size() + cuts.size());
}

Result<IndexSummary> write_index(env::Files& files, const std::string& directory, const std::string& name,
                                 const IndexSource& source) {
    const std::string path = directory + "/" + name;
    const std::string draft = path + ".tmp";
    auto file = files.open(draft, env::OpenMode::create);
    if (!file) return file.error();
    if (auto emptied = (*file)->truncate(0); !emptied) return emptied.error();

    IndexSummary summary;
    summary.begin = source.begin, summary.end = source.end, summary.capacity = source.capacity;
    summary.first_time = source.first_time, summary.last_time = source.last_time;
    summary.cuts = source.cuts, summary.damaged = source.damaged;
    UnitWriter out(**file, summary.unit_crcs);
    write_body(out, source, summary);
    summary.summary_at = out.written();
    out.append(encode_summary(summary, source.store_id).view());

    auto done = out.result();
    if (done) done = (*file)->sync_data();
    if (done) done = files.rename(draft, path);
    if (done) done = files.sync_directory(directory);
    if (!done) return done.error();
    return summary;
}

Result<IndexSummary> read_summary(env::File& file, std::uint64_t store_id) {
    const auto size = file.size();
    if (!size) return size.error();
    if (*size < footer_bytes) return damaged(file, "too short for an index");
    const auto footer = read_exactly(file, *size - footer_bytes, footer_bytes);
    if (!footer) return footer.error();
    ByteReader in(footer->view());
    if (in.text(8) != footer_magic) return damaged(file, "has no index footer");
    const bool ours = in.le<std::uint64_t>() == store_id;
    IndexSummary summary;
    summary.begin = in.le<std::uint64_t>();
    summary.end = in.le<std::uint64_t>();
    summary.capacity = in.le<std::uint64_t>();
    summary.first_time = in.le<std::int64_t>();
    summary.last_time = in.le<std::int64_t>();
    summary.summary_at = in.le<std::uint64_t>();
    summary.runs = in.le<std::uint32_t>();
    summary.entries = in.le<std::uint32_t>();
    summary.ends = in.le<std::uint32_t>();
    summary.keys = in.le<std::uint32_t>();
    const auto cuts = in.le<std::uint32_t>();
    const auto ranges = in.le<std::uint32_t>();
    if (!sizes_agree(summary, cuts, ranges, *size)) return damaged(file, "its footer contradicts itself");

    const auto whole = read_exactly(file, summary.summary_at, *size - summary.summary_at);
    if (!whole) return whole.error();
    const std::size_t checked = whole->size() - 4;
    if (load_le<std::uint32_t>(whole->data() + checked) != crc32c(whole->view().first(checked)))
        return damaged(file, "its summary contradicts its checksum");
    if (!ours) return Error{Errc::invalid, fmt::format("{} belongs to another data directory", file.path())};

    ByteReader lists(whole->view());
    const auto take = [&](std::vector<std::uint32_t>& list, std::size_t count) {
        list.resize(count);
        for (auto& value : list)
            value = lists.le<std::uint32_t>();
    };
    take(summary.unit_crcs, summary.unit_count());
    take(summary.run_fences, IndexSummary::units<RunRow>(summary.runs));
    take(summary.end_fences, IndexSummary::units<EndRow>(summary.ends));
    take(summary.cuts, cuts);
    summary.damaged.resize(ranges);
    for (auto& range : summary.damaged) {
        range.at = lists.le<std::uint32_t>();
        range.size = lists.le<std::uint32_t>();
    }
    return summary;
}

Result<std::vector<RunRow>> read_runs(env::File& file, const IndexSummary& summary) {
    return read_section<RunRow>(file, summary, 0, summary.runs);
}

Result<std::vector<EndRow>> read_ends(env::File& file, const IndexSummary& summary) {
    return read_section<EndRow>(file, summary, summary.first_end_unit(), summary.ends);
}

Result<std::vector<std::uint32_t>> find_keys(env::File& file, const IndexSummary& summary,
                                             std::uint64_t key) {
    std::vector<std::uint32_t> found;
    if (summary.keys == 0) return found;
    const std::uint32_t half = KeyRow::half(key);
    // The last unit whose first hash is below, then forward while hashes match.
    std::uint32_t low = 0, high = IndexSummary::units<KeyRow>(summary.keys) - 1;
    while (low < high) {
        const std::uint32_t middle = (low + high + 1) / 2;
        auto bytes = read_unit(file, summary, summary.first_key_unit() + middle);
        if (!bytes) return bytes.error();
        if (KeyRow::read(bytes->data()).hash < half)
            low = middle;
        else
            high = middle - 1;
    }
    for (std::uint32_t unit = low; unit < IndexSummary::units<KeyRow>(summary.keys); ++unit) {
        auto bytes = read_unit(file, summary, summary.first_key_unit() + unit);
        if (!bytes) return bytes.error();
        for (std::uint32_t n = 0; n < IndexSummary::rows_in<KeyRow>(summary.keys, unit); ++n) {
            const auto row = KeyRow::read(bytes->data() + n * KeyRow::bytes);
            if (row.hash > half) {
                std::reverse(found.begin(), found.end());
                return found;
            }
            if (row.hash == half) found.push_back(row.at);
        }
    }
    std::reverse(found.begin(), found.end());
    return found;
}

}  // namespace posthorn::store
