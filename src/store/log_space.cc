#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "log_impl.h"

namespace posthorn::store {

std::vector<SegmentInfo> Log::Impl::segments() const {
    std::vector<SegmentInfo> all;
    all.reserve(segments_.size());
    for (const auto& segment : segments_)
        all.push_back({Position(segment->begin), Position(segment->end), segment->first_time,
                       segment->last_time, segment->live, segment->sealed()});
    all.back().end = end();
    return all;
}

std::uint64_t Log::Impl::disk_bytes() const {
    std::uint64_t bytes = spare_ready_ ? options_.segment_bytes : 0;
    for (const auto& segment : segments_)
        bytes += segment->disk_bytes();
    return bytes;
}

Result<void> Log::Impl::drop_oldest() {
    if (sealed_ == 0) return Error{Errc::not_found, "no sealed segment to remove"};
    Segment& oldest = *segments_.front();
    std::vector<RunRow> runs;
    if (options_.counts_live) {
        runs = oldest.runs;
    } else {
        auto file = index_file_of(oldest);
        auto read = file ? read_runs(**file, *oldest.summary) : Result<std::vector<RunRow>>(file.error());
        if (read)
            runs = std::move(*read);
        else if (may_pass(read.error()))
            return read.error();  // at the next look
        else                      // it goes all the same; until the next open its messages read as damaged
            log_error("store", "the index of a segment that is removed: {}", read.error().message);
    }
    remove_segment(segments_.begin());
    for (const RunRow& run : runs) {
        QueueState& state = queues_[model::QueueId(run.queue)];
        if (options_.counts_live)
            state.begin = first_offset(model::QueueId(run.queue), state);
        else
            state.begin = std::max(state.begin, run.base + run.count);
    }
    return {};
}

void Log::Impl::release(model::QueueId queue, model::QueueOffset offset) {
    QueueState* state = queues_.find(queue);
    if (!options_.counts_live || !state || offset.value() >= state->end) return;
    Segment* segment = nullptr;
    if (const auto moved = find_moved(queue, offset.value()); moved.segment) {
        segment = const_cast<Segment*>(moved.segment);
    } else if (Chunk* chunk = find_chunk(*state, offset.value())) {
        if (!chunk->rows()[offset.value() - chunk->base].is_hole()) segment = &segment_of(*chunk);
    } else {
        segment = find_sealed(queue, *state, offset.value()).value.segment;
    }
    if (segment && segment->live > 0 && --segment->live == 0) segment->dead_at = end_;
}

std::vector<Range> Log::Impl::held(model::QueueId queue) {
    std::vector<Range> runs;
    const auto add = [&](std::uint64_t from, std::uint64_t to) {
        runs.push_back({model::QueueOffset(from), model::QueueOffset(to)});
    };
    QueueState* state = queues_.find(queue);
    if (!state || !options_.counts_live) return runs;
    for (std::size_t n = 0; n < sealed_; ++n) {
        const auto [first, last] = std::equal_range(
            segments_[n]->runs.begin(), segments_[n]->runs.end(), RunRow{queue.value(), 0, 0, 0},
            [](const RunRow& a, const RunRow& b) { return a.queue < b.queue; });
        for (auto run = first; run != last; ++run)
            add(run->base, run->base + run->count);
    }
    for (auto at = first_unsealed(); at != segments_.end(); ++at)
        (*at)->index->for_each_moved(queue.value(), [&](std::uint64_t offset) { add(offset, offset + 1); });
    Chunk* chunk = state->last;
    for (std::uint32_t number = state->last_segment; chunk && in_memory(number);
         number = chunk->previous_segment, chunk = chunk->previous)
        for_each_run(
            *chunk, [&](std::uint32_t from, std::uint32_t to) { add(chunk->base + from, chunk->base + to); });
    std::sort(runs.begin(), runs.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
    std::size_t last = 0;
    for (const Range& run : runs) {
        if (run.begin <= runs[last].end)
            runs[last].end = std::max(runs[last].end, run.end);
        else
            runs[++last] = run;
    }
    if (!runs.empty()) runs.resize(last + 1);
    return runs;
}

std::vector<Log::Run> Log::Impl::runs(Position segment_begin) const {
    std::vector<Run> runs;
    const Segment* segment = segment_at(segment_begin.value());
    if (!segment || segment->begin != segment_begin.value() || !segment->sealed()) return runs;
    runs.reserve(segment->runs.size());
    for (const RunRow& run : segment->runs)
        runs.push_back({model::QueueId(run.queue),
                        {model::QueueOffset(run.base), model::QueueOffset(run.base + run.count)}});
    return runs;
}

Result<void> Log::Impl::maintain() {
    try_to_grow();
    if (state_owed_ && !failed_ && !stalled_) write_state();
    if (std::exchange(sync_held_, false) && !syncing_) start_sync();
    seal_next();
    remove_next();
    if (!options_.counts_live) return {};
    std::vector<RunRow> gone;
    for (std::size_t n = sealed_; n-- > 0;) {
        // What emptied it, a copy of its last message perhaps, must not be lost when it is gone.
        if (segments_[n]->live > 0 || synced_ < segments_[n]->dead_at) continue;
        gone.insert(gone.end(), segments_[n]->runs.begin(), segments_[n]->runs.end());
        remove_segment(segments_.begin() + static_cast<std::ptrdiff_t>(n));
    }
    for (const RunRow& run : gone) {
        QueueState& state = queues_[model::QueueId(run.queue)];
        if (run.base <= state.begin && state.begin < run.base + run.count)
            state.begin = first_offset(model::QueueId(run.queue), state);
    }
    return {};
}

void Log::Impl::remove_segment(Segments::iterator at) {
    Segment& segment = **at;
    std::vector<std::string> names = {segment_file_name(segment.begin)};
    const bool newest_index = at + 1 == segments_.begin() + static_cast<std::ptrdiff_t>(sealed_) &&
                              (!lone_index_ || *lone_index_ < segment.begin);
    if (!newest_index) {
        names.push_back(index_file_name(segment.begin));
    } else {
        // The ends of all queues stand in the newest index file alone. It outlives its segment.
        if (lone_index_) names.push_back(index_file_name(*lone_index_));
        lone_index_ = segment.begin;
    }
    log_info("store", "log {}: segment {} is removed", options_.name, segment.begin);
    open_files_ -= (segment.file ? 1 : 0) + (segment.index_file ? 1 : 0);
    if (!segment.damaged.empty()) --damaged_segments_;
    cold_.forget(segment.begin);
    segments_.erase(at);
    --sealed_;
    remove_files(std::move(names));
}

/// In order, each durable before the next: an index never goes before its segment, nor a segment before an
/// older one, or a crash between would leave a hole.
void Log::Impl::remove_files(std::vector<std::string> names) {
    removals_.insert(removals_.end(), names.begin(), names.end());
    remove_next();
}

void Log::Impl::remove_next() {
    if (removing_ || removals_.empty()) return;
    removing_ = worker_.submit(
        [&files = files_, directory = directory_, names = removals_] {
            for (const std::string& name : names) {
                auto done = files.remove(directory + "/" + name);
                if (done) done = files.sync_directory(directory);
                if (!done) log_warn("store", "cannot remove {}: {}", name, done.error().message);
            }
        },
        [self = std::weak_ptr(self_)] {
            if (const auto log = self.lock()) {
                (*log)->removing_ = false;
                (*log)->remove_next();
            }
        });
    if (removing_) removals_.clear();
}

/// The lowest offset of a queue that is still somewhere in the log (where live messages are counted).
std::uint64_t Log::Impl::first_offset(model::QueueId queue, const QueueState& state) const {
    std::uint64_t first = state.end;
    for (std::size_t n = 0; n < sealed_; ++n) {
        const auto& runs = segments_[n]->runs;
        const auto run = std::lower_bound(runs.begin(), runs.end(), queue.value(),
                                          [](const RunRow& row, std::uint32_t id) { return row.queue < id; });
        if (run != runs.end() && run->queue == queue.value()) first = std::min(first, run->base);
    }
    for (auto at = first_unsealed(); at != segments_.end(); ++at)
        if (const auto moved = (*at)->index->first_moved(queue.value())) first = std::min(first, *moved);
    if (const Chunk* chunk = oldest_chunk(state)) first = std::min(first, chunk->base);
    return first;
}

}  // namespace posthorn::store
