#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/crc.h"
#include "base/log.h"
#include "log_impl.h"
#include "scan.h"

namespace posthorn::store {
namespace {

/// Index of the unit whose rows may hold `queue`: the last that begins with it or before it. With `before`,
/// the last that begins strictly before it, where the first row of a queue is when it has several.
std::size_t unit_of(const std::vector<std::uint32_t>& fences, std::uint32_t queue) {
    const auto after = std::upper_bound(fences.begin(), fences.end(), queue);
    return after == fences.begin() ? 0 : static_cast<std::size_t>(after - fences.begin()) - 1;
}

std::size_t first_unit_of(const std::vector<std::uint32_t>& fences, std::uint32_t queue) {
    const auto from = std::lower_bound(fences.begin(), fences.end(), queue);
    return from == fences.begin() ? 0 : static_cast<std::size_t>(from - fences.begin()) - 1;
}

/// Row `n` of a piece that holds rows of one kind.
template <class Row>
Row row_at(const ColdPiece& piece, std::uint32_t n) {
    return Row::read(piece.bytes.data() + std::size_t{n} * Row::bytes);
}

/// How far a reader of old bytes is run ahead of: three quarters of a MiB.
constexpr std::uint32_t stretches_ahead = 3;

bool touches(const DamagedRange& bad, std::uint64_t from, std::uint64_t to) {
    return bad.at < to && from < std::uint64_t{bad.at} + bad.size;
}

}  // namespace

// --- where things are ------------------------------------------------------------------------------------

Segment* Log::Impl::segment_at(std::uint64_t position) const {
    const auto after =
        std::upper_bound(segments_.begin(), segments_.end(), position,
                         [](std::uint64_t at, const auto& segment) { return at < segment->begin; });
    return after == segments_.begin() ? nullptr : std::prev(after)->get();
}

Segment& Log::Impl::segment_number(std::uint32_t number) const {
    if (segments_.back()->number == number) return *segments_.back();
    const auto at =
        std::lower_bound(segments_.begin(), segments_.end(), number,
                         [](const auto& segment, std::uint32_t n) { return segment->number < n; });
    POSTHORN_CHECK(at != segments_.end() && (*at)->number == number, "a chunk of a segment that is gone");
    return **at;
}

/// From where the last search ended: who reads or settles a queue moves in small steps.
Chunk* Log::Impl::find_chunk(QueueState& state, std::uint64_t offset) const {
    const auto found = [&](Chunk* chunk) -> Chunk* {
        state.found = chunk;
        state.found_segment = chunk->segment;
        return chunk->holds(offset) ? chunk : nullptr;
    };
    Chunk* chunk = state.last;
    std::uint32_t number = state.last_segment;
    if (state.found && in_memory(state.found_segment)) {
        if (offset < state.found->base) {
            chunk = state.found;
            number = state.found_segment;
        } else {
            for (Chunk* at = state.found; at; at = at->next)
                if (!at->next ? at->holds(offset) : offset < at->next->base) return found(at);
        }
    }
    for (; chunk && in_memory(number); number = chunk->previous_segment, chunk = chunk->previous)
        if (offset >= chunk->base) return found(chunk);
    return nullptr;
}

Chunk* Log::Impl::oldest_chunk(const QueueState& state) const {
    Chunk* oldest = nullptr;
    Chunk* chunk = state.last;
    for (std::uint32_t number = state.last_segment; chunk && in_memory(number);
         number = chunk->previous_segment, chunk = chunk->previous)
        oldest = chunk;
    return oldest;
}

Log::Impl::MovedRow Log::Impl::find_moved(model::QueueId queue, std::uint64_t offset) const {
    if (moved_indexes_ == 0) return {};
    for (auto at = segments_.end(); at != first_unsealed();) {
        --at;
        if (const EntryRow* row = (*at)->index->find_moved(queue.value(), offset)) return {at->get(), row};
    }
    return {};
}

Range Log::Impl::range(model::QueueId queue) const {
    const QueueState* state = queues_.find(queue);
    if (!state) return {};
    return {model::QueueOffset(state->begin), model::QueueOffset(state->end)};
}

// --- entries -----------------------------------------------------------------------------------------------

Read Log::Impl::entries(model::QueueId queue, model::QueueOffset from, std::span<Entry> out,
                        std::size_t* count) {
    *count = 0;
    QueueState* state = queues_.find(queue);
    const std::uint64_t offset = from.value();
    if (!state || offset < state->begin || offset >= state->end || out.empty()) return Read::none;
    if (const auto moved = find_moved(queue, offset); moved.row) {
        out[0] = moved.row->entry(moved.segment->begin);
        *count = 1;
        return Read::ready;
    }
    if (Chunk* chunk = find_chunk(*state, offset)) {
        const std::uint64_t begin = segment_of(*chunk).begin;
        auto first = static_cast<std::uint32_t>(offset - chunk->base);
        if (chunk->rows()[first].is_hole()) return gap();
        for (; chunk && *count < out.size(); chunk = chunk->next, first = 0) {
            if (*count > 0 && chunk->base != offset + *count) break;
            for (std::uint32_t n = first; n < chunk->count && *count < out.size(); ++n) {
                if (chunk->rows()[n].is_hole()) return Read::ready;
                out[(*count)++] = chunk->rows()[n].entry(begin);
            }
        }
        return Read::ready;
    }
    const auto found = find_sealed(queue, *state, offset);
    if (found.read != Read::ready) return found.read;
    return sealed_entries(found.value, offset, out, count);
}

Read Log::Impl::sealed_entries(const SealedRun& found, std::uint64_t from, std::span<Entry> out,
                               std::size_t* count) {
    const RunRow& run = found.run;
    constexpr std::uint32_t per_unit = IndexSummary::rows_per_unit<EntryRow>();
    const auto skip = static_cast<std::uint32_t>(from - run.base);
    const std::uint32_t row = run.first + skip;
    const ColdPiece* piece = nullptr;
    const Read read =
        index_unit(*found.segment, found.segment->summary->first_entry_unit() + row / per_unit, &piece);
    if (read != Read::ready) return read;
    const std::uint32_t in_unit = row % per_unit;
    const std::size_t most = std::min<std::size_t>({out.size(), run.count - skip, per_unit - in_unit});
    for (; *count < most; ++*count)
        out[*count] = row_at<EntryRow>(*piece, in_unit + static_cast<std::uint32_t>(*count))
                          .entry(found.segment->begin);
    return Read::ready;
}

/// The run of a sealed segment that holds the offset. Readers go forward, so the segment they were in last,
/// and the one after it, are tried before all are searched.
Log::Impl::Found<Log::Impl::SealedRun> Log::Impl::find_sealed(model::QueueId queue, QueueState& state,
                                                              std::uint64_t offset) {
    if (state.found_in != 0) {
        auto at = std::lower_bound(segments_.cbegin(), first_unsealed(), state.found_in,
                                   [](const auto& segment, std::uint32_t n) { return segment->number < n; });
        for (int tries = 0; tries < 2 && at != first_unsealed(); ++tries, ++at) {
            const auto run = find_run(**at, queue, offset);
            if (run.read == Read::none) continue;
            if (run.read == Read::ready) {
                if (const auto newer = newer_copy(**at, queue, offset); newer.read == Read::ready)
                    return newer;
                state.found_in = (*at)->number;
            }
            return {run.read, {at->get(), run.value}};
        }
    }
    auto found = search_sealed(queue, offset);
    if (found.read == Read::ready) state.found_in = found.value.segment->number;
    return found;
}

/// Where live messages are counted: the newest copy of what this segment holds, if it was moved from here.
Log::Impl::Found<Log::Impl::SealedRun> Log::Impl::newer_copy(const Segment& than, model::QueueId queue,
                                                             std::uint64_t offset) {
    for (std::size_t n = sealed_; n-- > 0 && segments_[n]->number > than.number;)
        if (segments_[n]->has_moved)
            if (const auto run = find_run(*segments_[n], queue, offset); run.read == Read::ready)
                return {Read::ready, {segments_[n].get(), run.value}};
    return {};
}

Log::Impl::Found<Log::Impl::SealedRun> Log::Impl::search_sealed(model::QueueId queue, std::uint64_t offset) {
    if (options_.counts_live) {  // a message may be anywhere; its newest copy counts
        for (std::size_t n = sealed_; n-- > 0;)
            if (const auto run = find_run(*segments_[n], queue, offset); run.read == Read::ready)
                return {Read::ready, {segments_[n].get(), run.value}};
        return {gap(), {}};
    }
    // Ends rise from segment to segment: the first in which the queue ends behind the offset.
    std::size_t low = 0, high = sealed_;
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        const auto end = end_in(*segments_[middle], queue);
        if (end.read != Read::ready) return {end.read, {}};
        if (end.value > offset)
            high = middle;
        else
            low = middle + 1;
    }
    if (low == sealed_) return {gap(), {}};
    const auto run = find_run(*segments_[low], queue, offset);
    return {run.read == Read::none ? gap() : run.read, {segments_[low].get(), run.value}};
}

Log::Impl::Found<RunRow> Log::Impl::find_run(Segment& segment, model::QueueId queue, std::uint64_t offset) {
    const auto before = [&](const RunRow& row) {
        return row.queue < queue.value() || (row.queue == queue.value() && row.base <= offset);
    };
    const auto verdict = [&](const RunRow& row) -> Found<RunRow> {
        return {row.queue == queue.value() && row.holds(offset) ? Read::ready : Read::none, row};
    };
    if (options_.counts_live) {
        const auto after = std::partition_point(segment.runs.begin(), segment.runs.end(), before);
        if (after == segment.runs.begin()) return {};
        return verdict(*std::prev(after));
    }
    // A queue with many runs may fill several units: go back to the first of them, then forward.
    const IndexSummary& summary = *segment.summary;
    const std::size_t last_unit = unit_of(summary.run_fences, queue.value());
    RunRow best;
    for (std::size_t unit = first_unit_of(summary.run_fences, queue.value()); unit <= last_unit; ++unit) {
        if (unit >= summary.run_fences.size()) break;
        const ColdPiece* piece = nullptr;
        const auto number = static_cast<std::uint32_t>(unit);
        if (const Read read = index_unit(segment, number, &piece); read != Read::ready) return {read, {}};
        std::uint32_t low = 0, high = IndexSummary::rows_in<RunRow>(summary.runs, number);
        while (low < high) {
            const std::uint32_t middle = (low + high) / 2;
            if (before(row_at<RunRow>(*piece, middle)))
                low = middle + 1;
            else
                high = middle;
        }
        if (low > 0) best = row_at<RunRow>(*piece, low - 1);
    }
    return verdict(best);
}

/// Where the queue ended when the segment was full.
Log::Impl::Found<std::uint64_t> Log::Impl::end_in(Segment& segment, model::QueueId queue) {
    const IndexSummary& summary = *segment.summary;
    if (summary.ends == 0) return {Read::ready, 0};
    const auto unit = static_cast<std::uint32_t>(unit_of(summary.end_fences, queue.value()));
    const ColdPiece* piece = nullptr;
    if (const Read read = index_unit(segment, summary.first_end_unit() + unit, &piece); read != Read::ready)
        return {read, 0};
    std::uint32_t low = 0, high = IndexSummary::rows_in<EndRow>(summary.ends, unit);
    while (low < high) {
        const std::uint32_t middle = (low + high) / 2;
        const auto row = row_at<EndRow>(*piece, middle);
        if (row.queue == queue.value()) return {Read::ready, row.end};
        if (row.queue < queue.value())
            low = middle + 1;
        else
            high = middle;
    }
    return {Read::ready, 0};
}

Read Log::Impl::index_unit(Segment& segment, std::uint32_t unit, const ColdPiece** out) {
    const ColdKey key{segment.begin, unit, true};
    const ColdPiece* piece = cold_.find(key);
    if (!piece) {
        auto file = index_file_of(segment);
        if (!file) {
            log_error("store", "{}", file.error().message);
            return Read::damaged;
        }
        const auto at = std::uint64_t{unit} * index_unit_bytes;
        piece = cold_.load(
            key, {*file, at, index_unit_bytes, [crc = segment.summary->unit_crcs[unit], at](Bytes bytes) {
                      std::vector<DamagedRange> bad;
                      if (crc32c(bytes) != crc)
                          bad.push_back({static_cast<std::uint32_t>(at), index_unit_bytes});
                      return bad;
                  }});
        if (!piece) return Read::loading;
    }
    if (!piece->bad.empty()) return mend_index(segment);
    *out = piece;
    return Read::ready;
}

// --- records -----------------------------------------------------------------------------------------------

Read Log::Impl::record(const Entry& entry, Record* out) {
    const auto bytes = bytes_at(entry.position.value(), entry.size);
    if (bytes.read != Read::ready) return bytes.read;
    const auto record = decode_record(entry.position, bytes.value);
    if (!record || record->size != entry.size) return Read::damaged;
    *out = *record;
    return Read::ready;
}

/// Any number may come: the index decides whether a message starts there.
Read Log::Impl::record_at(Position position, Record* out) {
    const std::uint64_t at = position.value();
    Segment* segment = at % 8 == 0 && at < end_ ? segment_at(at) : nullptr;
    const std::uint64_t data_end = segment == segments_.back().get() ? end_ : segment ? segment->end : 0;
    if (!segment || at < segment->data_begin() || at + record_head_bytes > data_end) return Read::none;
    const auto head = bytes_at(at, record_head_bytes);
    if (head.read != Read::ready) return head.read;
    const auto size = load_le<std::uint32_t>(head.value.data());
    if (size > data_end - at) return Read::none;
    const auto bytes = bytes_at(at, size);
    if (bytes.read != Read::ready) return bytes.read;
    const auto record = decode_record(position, bytes.value);
    if (!record || record->kind != RecordKind::message) return Read::none;

    const auto queue = record->queue(0);
    const auto offset = record->offset(0);
    std::array<Entry, 1> entry;
    std::size_t count = 0;
    const Read read = entries(queue, offset, entry, &count);  // may load, and so end the views of `record`
    if (read != Read::ready) return read;
    if (entry[0].position != position) return Read::none;
    return this->record(entry[0], out);
}

Log::Impl::Found<Bytes> Log::Impl::bytes_at(std::uint64_t position, std::size_t size) {
    if (position >= tail_begin_) {
        if (position + size > end_) return {Read::damaged, {}};
        return {Read::ready, Bytes(tail_->at(position), size)};
    }
    Segment* segment = segment_at(position);
    if (!segment) return {};
    Found<Bytes> found;
    found.read = cold_bytes(*segment, position, size, &found.value);
    return found;
}

Read Log::Impl::cold_bytes(Segment& segment, std::uint64_t position, std::size_t size, Bytes* out) {
    const std::uint64_t at = position - segment.begin;
    const auto after = std::upper_bound(segment.cuts.begin(), segment.cuts.end(), at);
    if (after == segment.cuts.begin() || position + size > segment.end) return Read::damaged;
    const auto number = static_cast<std::uint32_t>(after - segment.cuts.begin());
    if (at + size > stretch_end(segment, number)) return Read::damaged;
    const ColdKey key{segment.begin, number, false};
    const ColdPiece* piece = cold_.find(key);
    if (piece &&
        at + size > piece->at + piece->bytes.size()) {  // the last stretch of the active segment grew
        cold_.forget(key);
        piece = nullptr;
    }
    if (!piece) {
        auto file = file_of(segment);
        if (!file) {
            log_error("store", "{}", file.error().message);
            return Read::damaged;
        }
        piece = cold_.load(key, stretch(segment, number, *file));
    }
    if (last_cold_ != key) {
        last_cold_ = key;
        if (number > 1 && cold_.has({segment.begin, number - 1, false})) read_ahead(segment, number);
    }
    if (!piece) return Read::loading;
    for (const DamagedRange& bad : piece->bad)
        if (touches(bad, at, at + size)) return Read::damaged;
    *out = piece->bytes.view().subspan(at - piece->at, size);
    return Read::ready;
}

/// Stretch `number` of a segment ends there in its file; it begins at cut `number` - 1.
std::uint64_t Log::Impl::stretch_end(const Segment& segment, std::uint32_t number) const {
    return number < segment.cuts.size() ? segment.cuts[number] : segment.end - segment.begin;
}

ColdSource Log::Impl::stretch(const Segment& segment, std::uint32_t number,
                              std::shared_ptr<env::File> file) const {
    const std::uint32_t from = segment.cuts[number - 1];
    return {std::move(file), from, stretch_end(segment, number) - from,
            [store = options_.store_id, begin = segment.begin, from](Bytes bytes) {
                return bad_ranges(bytes, store, begin, from);
            }};
}

/// Somebody reads one stretch after the other: the next ones are fetched while this one is read.
void Log::Impl::read_ahead(Segment& segment, std::uint32_t number) {
    for (std::uint32_t next = number + 1; next <= number + stretches_ahead && next <= segment.cuts.size();
         ++next) {
        if (!segment.file) return;
        cold_.load_ahead({segment.begin, next, false}, [&] { return stretch(segment, next, segment.file); });
    }
}

Result<std::shared_ptr<env::File>> Log::Impl::file_of(Segment& segment) {
    segment.last_use = ++uses_;
    if (!segment.file) {
        auto file = open_to_read(segment_file_name(segment.begin));
        if (!file) return file.error();
        segment.file = std::move(*file);
        ++open_files_;
        limit_open_files(most_open_files);
    }
    return segment.file;
}

Result<std::shared_ptr<env::File>> Log::Impl::index_file_of(Segment& segment) {
    segment.last_use = ++uses_;
    if (!segment.index_file) {
        auto file = open_to_read(index_file_name(segment.begin));
        if (!file) return file.error();
        segment.index_file = std::move(*file);
        ++open_files_;
        limit_open_files(most_open_files);
    }
    return segment.index_file;
}

/// When the system has no descriptor left, the files that are open for later give theirs.
Result<std::unique_ptr<env::File>> Log::Impl::open_to_read(const std::string& name) {
    auto file = files_.open(path(name), env::OpenMode::read);
    if (file || file.error().code != Errc::full) return file;
    limit_open_files(0);
    return files_.open(path(name), env::OpenMode::read);
}

/// Descriptors are few where logs are long. Whoever still reads from a file closed here keeps it open.
void Log::Impl::limit_open_files(std::size_t most) {
    while (open_files_ > most) {
        Segment* oldest = nullptr;
        for (auto at = segments_.cbegin(); at != first_unsealed(); ++at)
            if (((*at)->file || (*at)->index_file) && (!oldest || (*at)->last_use < oldest->last_use))
                oldest = at->get();
        if (!oldest) return;
        open_files_ -= (oldest->file ? 1 : 0) + (oldest->index_file ? 1 : 0);
        oldest->file.reset();
        oldest->index_file.reset();
    }
}

// --- by time -----------------------------------------------------------------------------------------------

Read Log::Impl::offset_by_time(model::QueueId queue, std::int64_t time_ms, model::QueueOffset* out) {
    const QueueState* state = queues_.find(queue);
    *out = model::QueueOffset(state ? state->end : 0);
    if (!state || state->begin == state->end) return Read::ready;
    const Chunk* oldest = oldest_chunk(*state);
    const bool in_sealed =
        !oldest || (oldest->base > state->begin && const_cast<Chunk*>(oldest)->rows()[0].time() >= time_ms);
    if (in_sealed) {
        const auto at = std::find_if(segments_.cbegin(), first_unsealed(),
                                     [&](const auto& segment) { return segment->last_time >= time_ms; });
        if (at != first_unsealed()) {
            const auto found = time_in_sealed(**at, queue, time_ms);
            if (found.read == Read::ready)
                *out = model::QueueOffset(std::clamp(found.value, state->begin, state->end));
            return found.read;
        }
    }
    if (const auto found = time_in_memory(*state, time_ms))
        *out = model::QueueOffset(std::max(*found, state->begin));
    return Read::ready;
}

std::optional<std::uint64_t> Log::Impl::time_in_memory(const QueueState& state, std::int64_t time_ms) const {
    const auto earlier = [&](const EntryRow& row) { return row.time() < time_ms; };
    std::optional<std::uint64_t> best;
    Chunk* chunk = state.last;
    for (std::uint32_t number = state.last_segment; chunk && in_memory(number);
         number = chunk->previous_segment, chunk = chunk->previous) {
        EntryRow* rows = chunk->rows();
        const auto from = std::partition_point(rows, rows + chunk->count, earlier);
        if (from != rows + chunk->count) best = chunk->base + static_cast<std::uint64_t>(from - rows);
        if (from != rows) break;
    }
    return best;
}

/// In the first segment with something young enough; when the queue has nothing young enough there, its next
/// message anywhere is.
Log::Impl::Found<std::uint64_t> Log::Impl::time_in_sealed(Segment& segment, model::QueueId queue,
                                                          std::int64_t time_ms) {
    const auto end = end_in(segment, queue);
    if (end.read != Read::ready) return end;
    // Runs from the last backwards: one, unless damage or moves broke it.
    std::uint64_t best = end.value;
    for (std::uint64_t offset = end.value; offset > 0;) {
        const auto run = find_run(segment, queue, offset - 1);
        if (run.read == Read::loading || run.read == Read::damaged) return {run.read, 0};
        if (run.value.queue != queue.value() || run.value.count == 0) break;
        std::uint32_t low = 0, high = run.value.count;
        while (low < high) {
            const std::uint32_t middle = (low + high) / 2;
            const auto row = entry_row(segment, run.value.first + middle);
            if (row.read != Read::ready) return {row.read, 0};
            if (row.value.time() < time_ms)
                low = middle + 1;
            else
                high = middle;
        }
        if (low < run.value.count) best = run.value.base + low;
        if (low > 0) break;
        offset = run.value.base;
    }
    return {Read::ready, best};
}

Log::Impl::Found<EntryRow> Log::Impl::entry_row(Segment& segment, std::uint32_t row) {
    constexpr std::uint32_t per_unit = IndexSummary::rows_per_unit<EntryRow>();
    const ColdPiece* piece = nullptr;
    const Read read = index_unit(segment, segment.summary->first_entry_unit() + row / per_unit, &piece);
    if (read != Read::ready) return {read, {}};
    return {Read::ready, row_at<EntryRow>(*piece, row % per_unit)};
}

// --- by key ------------------------------------------------------------------------------------------------

std::vector<Position> Log::Impl::positions_by_key(std::uint64_t key, std::size_t limit) {
    std::vector<Position> positions;
    const auto consider = [&](Segment& segment, std::uint32_t at) {
        if (positions.size() < limit && key_at(segment, at) == key)
            positions.emplace_back(segment.begin + at);
    };
    for (std::size_t n = segments_.size(); n-- > 0 && positions.size() < limit;) {
        Segment& segment = *segments_[n];
        if (!segment.sealed()) {
            segment.index->for_each_key(key, [&](std::uint32_t at) { consider(segment, at); });
            continue;
        }
        auto file = index_file_of(segment);
        auto found = file ? find_keys(**file, *segment.summary, key)
                          : Result<std::vector<std::uint32_t>>(file.error());
        if (!found) log_error("store", "{}", found.error().message);
        if (found)
            for (const std::uint32_t at : *found)
                consider(segment, at);
    }
    return positions;
}

/// The whole key hash of the record there; indexes hold half of it.
std::optional<std::uint64_t> Log::Impl::key_at(Segment& segment, std::uint32_t at) {
    constexpr std::size_t key_offset = 32;
    const std::uint64_t position = segment.begin + at;
    if (position >= tail_begin_) return load_le<std::uint64_t>(tail_->at(position) + key_offset);
    auto file = file_of(segment);
    std::array<std::byte, 8> bytes;
    if (!file) return std::nullopt;
    const auto got = (*file)->read_at(at + key_offset, bytes);
    if (!got || *got != bytes.size()) return std::nullopt;
    return load_le<std::uint64_t>(bytes.data());
}

}  // namespace posthorn::store
