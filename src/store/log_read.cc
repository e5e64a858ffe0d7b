#include <algorithm>

#include "base/crc.h"
#include "log_impl.h"

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

Log::Impl::Found<EntryRow> Log::Impl::entry_row(Segment& segment, std::uint32_t row) {
    constexpr std::uint32_t per_unit = IndexSummary::rows_per_unit<EntryRow>();
    const ColdPiece* piece = nullptr;
    const Read read = index_unit(segment, segment.summary->first_entry_unit() + row / per_unit, &piece);
    if (read != Read::ready) return {read, {}};
    return {Read::ready, row_at<EntryRow>(*piece, row % per_unit)};
}

Read Log::Impl::index_unit(Segment& segment, std::uint32_t unit, const ColdPiece** out) {
    const ColdKey key{segment.begin, unit, true};
    const ColdPiece* piece = cold_.find(key);
    if (!piece) {
        auto file = index_file_of(segment);
        if (!file) return read_failed(file.error());
        const auto at = std::uint64_t{unit} * index_unit_bytes;
        const auto loaded = cold_.load(
            key, {*file, at, index_unit_bytes, [crc = segment.summary->unit_crcs[unit], at](Bytes bytes) {
                      std::vector<DamagedRange> bad;
                      if (crc32c(bytes) != crc)
                          bad.push_back({static_cast<std::uint32_t>(at), index_unit_bytes});
                      return bad;
                  }});
        if (loaded.error) return read_failed(*loaded.error);
        if (!loaded.piece) return loaded.read;
        piece = loaded.piece;
    }
    if (!piece->bad.empty()) return mend_index(segment);
    *out = piece;
    return Read::ready;
}

}  // namespace posthorn::store
