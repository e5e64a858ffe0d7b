#include <algorithm>
#include <array>

#include "base/log.h"
#include "log_impl.h"

namespace posthorn::store {

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
        if (run.read != Read::ready && run.read != Read::none) return {run.read, 0};
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
