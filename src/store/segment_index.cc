#include "segment_index.h"

#include <algorithm>

namespace posthorn::store {
namespace {

constexpr std::uint32_t first_capacity = 2;
constexpr std::uint32_t largest_capacity = 32768;

}  // namespace

Chunk* SegmentIndex::start_chunk(QueueState& state, std::uint32_t queue, std::uint64_t offset) {
    const bool first = !state.last || state.last_segment != number_;
    const std::uint32_t capacity =
        first ? first_capacity : std::min(state.last->capacity * 2, largest_capacity);
    auto* chunk = static_cast<Chunk*>(arena_.take(sizeof(Chunk) + capacity * sizeof(EntryRow)));
    *chunk = {offset, 0, capacity, state.last, state.last_segment, number_, nullptr};
    if (first)
        first_chunks_.emplace_back(queue, chunk);
    else
        state.last->next = chunk;
    state.last = chunk;
    state.last_segment = number_;
    return chunk;
}

void SegmentIndex::start_key_block() {
    auto* block = static_cast<KeyBlock*>(arena_.take(sizeof(KeyBlock)));
    block->previous = keys_;
    keys_ = block;
}

void SegmentIndex::add_moved(std::uint32_t queue, std::uint64_t offset, const EntryRow& row) {
    if (moved_.insert_or_assign({queue, offset}, row).second) ++entries_;
}

const EntryRow* SegmentIndex::find_moved(std::uint32_t queue, std::uint64_t offset) const {
    const auto found = moved_.find({queue, offset});
    return found == moved_.end() ? nullptr : &found->second;
}

std::optional<std::uint64_t> SegmentIndex::first_moved(std::uint32_t queue) const {
    const auto found = moved_.lower_bound({queue, 0});
    if (found == moved_.end() || found->first.first != queue) return std::nullopt;
    return found->first.second;
}

std::vector<KeyRow> SegmentIndex::sorted_keys() const {
    std::vector<KeyRow> rows;
    rows.reserve(key_count_);
    for (const KeyBlock* block = keys_; block; block = block->previous)
        rows.insert(rows.end(), block->rows, block->rows + block->count);
    std::sort(rows.begin(), rows.end());
    return rows;
}

std::vector<SegmentIndex::Run> SegmentIndex::sorted_runs() const {
    std::vector<Run> runs;
    for (const auto& [queue, first] : first_chunks_)
        for (Chunk* chunk = first; chunk; chunk = chunk->next)
            runs.push_back({{queue, chunk->count, chunk->base, 0}, chunk->rows()});
    for (const auto& [place, row] : moved_)
        runs.push_back({{place.first, 1, place.second, 0}, &row});
    std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) {
        return std::pair(a.row.queue, a.row.base) < std::pair(b.row.queue, b.row.base);
    });
    return runs;
}

}  // namespace posthorn::store
