#include "segment_index.h"

#include <algorithm>
#include <array>
#include <numeric>

namespace posthorn::store {
namespace {

constexpr std::uint32_t first_capacity = 2;
constexpr std::uint32_t largest_capacity = 32768;
/// A gap of more offsets than this begins a new chunk.
constexpr std::uint64_t longest_gap = 8;

/// Puts rows that stand by place into the order of hash and place: three passes that each distribute by
/// eleven bits and keep what is equal in its order. A full segment has a million and more of these rows, and
/// sorting them by comparison was 5 % of the processor time of a busy server.
void sort_by_hash(std::vector<KeyRow>& rows) {
    constexpr std::uint32_t buckets = 1u << 11;
    std::vector<KeyRow> other(rows.size());
    for (const int shift : {0, 11, 22}) {
        std::array<std::uint32_t, buckets> next{};
        for (const KeyRow& row : rows)
            ++next[row.hash >> shift & (buckets - 1)];
        std::exclusive_scan(next.begin(), next.end(), next.begin(), 0u);
        for (const KeyRow& row : rows)
            other[next[row.hash >> shift & (buckets - 1)]++] = row;
        rows.swap(other);
    }
}

}  // namespace

Chunk* SegmentIndex::make_room(QueueState& state, std::uint32_t queue, std::uint64_t offset) {
    Chunk* chunk = state.last;
    if (!chunk || state.last_segment != number_) return start_chunk(state, queue, offset);
    const std::uint64_t gap = offset - (chunk->base + chunk->count);
    if (gap > longest_gap || chunk->count + gap >= chunk->capacity) return start_chunk(state, queue, offset);
    for (std::uint64_t n = 0; n < gap; ++n, ++chunk->count)
        chunk->rows()[chunk->count] = EntryRow::hole(chunk->rows()[chunk->count - 1]);
    return chunk;
}

Chunk* SegmentIndex::start_chunk(QueueState& state, std::uint32_t queue, std::uint64_t offset) {
    const bool first = !state.last || state.last_segment != number_;
    const std::uint32_t capacity =
        first ? first_capacity : std::clamp(state.last->count * 2, first_capacity, largest_capacity);
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
    // The blocks are linked from the newest back; places grow from the oldest on.
    std::vector<KeyRow> rows(key_count_);
    auto end = rows.end();
    for (const KeyBlock* block = keys_; block; block = block->previous)
        end = std::copy_backward(block->rows, block->rows + block->count, end);
    sort_by_hash(rows);
    return rows;
}

std::vector<SegmentIndex::Run> SegmentIndex::sorted_runs() const {
    std::vector<Run> runs;
    for (const auto& [queue, first] : first_chunks_)
        for (Chunk* chunk = first; chunk; chunk = chunk->next)
            for_each_run(*chunk, [&](std::uint32_t from, std::uint32_t to) {
                runs.push_back({{queue, to - from, chunk->base + from, 0}, chunk->rows() + from});
            });
    for (const auto& [place, row] : moved_)
        runs.push_back({{place.first, 1, place.second, 0}, &row});
    std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) {
        return std::pair(a.row.queue, a.row.base) < std::pair(b.row.queue, b.row.base);
    });
    return runs;
}

}  // namespace posthorn::store
