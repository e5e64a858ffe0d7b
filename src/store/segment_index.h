#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "arena.h"
#include "index_rows.h"
#include "queue_table.h"

namespace posthorn::store {

/// A run of neighbouring entries of one queue, in the memory of one segment's index. Each is twice as large
/// as what the one before holds, so a queue's chunks are few however many messages it has; short gaps between
/// offsets are filled with holes for the same reason. The first entry is never a hole.
struct Chunk {
    std::uint64_t base;  ///< offset of its first entry
    std::uint32_t count, capacity;
    Chunk* previous;                 ///< of the same queue, perhaps in an older segment,
    std::uint32_t previous_segment;  ///< of this number: to be followed only while that is in memory
    std::uint32_t segment;           ///< the number of its own
    Chunk* next;                     ///< of the same queue in the same segment

    EntryRow* rows() { return reinterpret_cast<EntryRow*>(this + 1); }
    bool holds(std::uint64_t offset) const { return offset >= base && offset - base < count; }
};

/// What lies between the holes of a chunk: `visit(from, to)`, in order.
template <class Visit>
void for_each_run(Chunk& chunk, Visit&& visit) {
    for (std::uint32_t from = 0; from < chunk.count;) {
        std::uint32_t to = from + 1;
        while (to < chunk.count && !chunk.rows()[to].is_hole())
            ++to;
        visit(from, to);
        for (from = to; from < chunk.count && chunk.rows()[from].is_hole();)
            ++from;
    }
}

/// The index of a segment that has no index file yet. Adding takes no heap memory per message. Once the
/// segment is full nothing here changes any more, so another thread may write the file from it.
class SegmentIndex {
  public:
    explicit SegmentIndex(std::uint32_t number) : number_(number) {}

    /// A message at `offset` >= `state.end`; moves the end.
    void add(QueueState& state, std::uint32_t queue, std::uint64_t offset, const EntryRow& row) {
        Chunk* chunk = state.last;
        if (!chunk || state.last_segment != number_ || chunk->count == chunk->capacity ||
            offset != chunk->base + chunk->count) [[unlikely]]
            chunk = make_room(state, queue, offset);
        chunk->rows()[chunk->count++] = row;
        state.end = offset + 1;
        ++entries_;
    }
    /// A message that replaces an older copy of itself.
    void add_moved(std::uint32_t queue, std::uint64_t offset, const EntryRow& row);
    const EntryRow* find_moved(std::uint32_t queue, std::uint64_t offset) const;
    template <class Visit>
    void for_each_moved(std::uint32_t queue, Visit&& visit) const {
        for (auto at = moved_.lower_bound({queue, 0}); at != moved_.end() && at->first.first == queue; ++at)
            visit(at->first.second);
    }
    /// Lowest offset of a moved message of the queue.
    std::optional<std::uint64_t> first_moved(std::uint32_t queue) const;

    void add_key(std::uint64_t key, std::uint32_t at) {
        if (!keys_ || keys_->count == KeyBlock::capacity) [[unlikely]]
            start_key_block();
        keys_->rows[keys_->count++] = {KeyRow::half(key), at};
        ++key_count_;
    }
    /// Newest first: `visit(std::uint32_t at)` for what may have this key.
    template <class Visit>
    void for_each_key(std::uint64_t key, Visit&& visit) const {
        const std::uint32_t half = KeyRow::half(key);
        for (const KeyBlock* block = keys_; block; block = block->previous)
            for (std::uint32_t n = block->count; n-- > 0;)
                if (block->rows[n].hash == half) visit(block->rows[n].at);
    }
    std::vector<KeyRow> sorted_keys() const;

    /// A run and where its entries lie. Runs that grew over several chunks come in pieces.
    struct Run {
        RunRow row;
        const EntryRow* entries;
    };
    /// By queue and base offset.
    std::vector<Run> sorted_runs() const;

    std::uint32_t number() const { return number_; }
    std::uint64_t entries() const { return entries_; }
    bool has_moved() const { return !moved_.empty(); }
    std::size_t memory() const { return arena_.reserved(); }

  private:
    struct KeyBlock {
        static constexpr std::uint32_t capacity = 2046;  // 16 KiB with the head
        KeyBlock* previous;
        std::uint32_t count;
        KeyRow rows[capacity];
    };

    Chunk* make_room(QueueState& state, std::uint32_t queue, std::uint64_t offset);
    Chunk* start_chunk(QueueState& state, std::uint32_t queue, std::uint64_t offset);
    void start_key_block();

    std::uint32_t number_;
    std::uint64_t entries_ = 0;
    std::uint64_t key_count_ = 0;
    Arena arena_;
    std::vector<std::pair<std::uint32_t, Chunk*>> first_chunks_;  ///< queues of this segment, as they came
    std::map<std::pair<std::uint32_t, std::uint64_t>, EntryRow> moved_;
    KeyBlock* keys_ = nullptr;
};

}  // namespace posthorn::store
