#include "recovery.h"

#include <set>
#include <utility>

#include "base/log.h"

namespace posthorn::broker {

// --- replay ------------------------------------------------------------------------------------------------

void Recovery::see_stream(const store::Record& record) {
    if (record.origin != 0) origins_.push_back({record.origin - 1, record.position.value()});
}

void Recovery::see_queue(const store::Record& record) {
    const bool message = record.kind == store::RecordKind::message;
    see_part(!message && part_of_snapshot(record.payload));
    if (message) {
        // The record is its own note: it lies in the same log.
        if (record.origin != 0) known().timers.add(record.origin - 1);
        seen_ = true;
        return;
    }
    if (auto visited = visit_state(record.payload, *this); !visited) {
        ++bad_notes_;
        log_error("broker", "note at position {} of the queue log is left out: {}", record.position.value(),
                  visited.error().message);
    }
    seen_ = true;
}

/// The notes of a snapshot follow each other. Anything else after its begin: it was never finished.
void Recovery::see_part(bool of_snapshot) {
    if (marked_ && !of_snapshot) give_up_snapshot();
    marked_ = of_snapshot;
}

/// What was known before it holds, and what follows goes on from there. If nothing was there before it, the
/// segments before were sealed: so it was whole once, and what damage left of it is the best there is.
void Recovery::give_up_snapshot() {
    if (!std::exchange(in_snapshot_, false)) return;
    if (snapshot_first_) known_ = std::move(fresh_);
    fresh_ = Known();
}

void Recovery::on_progress(std::uint32_t group, std::uint32_t queue, std::uint64_t next) {
    known().progress[group][queue] = next;
}

void Recovery::on_group_forgotten(std::uint32_t group) {
    known().progress.erase(group);
}

/// Its number may have been another's, whose queue was deleted while nothing was noted any more.
void Recovery::on_reader_opened(std::uint32_t reader, std::uint32_t queue, std::string_view name) {
    KnownReader& fresh = known().readers[reader];
    fresh = KnownReader();
    fresh.queue = queue;
    fresh.name = name;
}

void Recovery::on_reader_deleted(std::uint32_t reader) {
    known().readers.erase(reader);
}

void Recovery::on_reader_cursor(std::uint32_t reader, std::uint64_t cursor) {
    if (const auto at = known().readers.find(reader); at != known().readers.end())
        at->second.state.restore_cursor(cursor);
}

void Recovery::on_reader_settled(std::uint32_t reader, std::uint64_t begin, std::uint64_t end) {
    if (const auto at = known().readers.find(reader); at != known().readers.end())
        at->second.state.restore_settled(begin, end);
}

void Recovery::on_reader_return(std::uint32_t reader, std::uint64_t offset, std::uint32_t attempts,
                                std::int64_t ready_wall_ms) {
    const auto at = known().readers.find(reader);
    if (at == known().readers.end()) return;
    const std::int64_t ready_at =
        ready_wall_ms <= now_.wall_ms ? ReaderState::at_once : ready_wall_ms - now_.wall_ms + now_.steady_ms;
    at->second.state.restore_return({offset, attempts, ready_at});
}

void Recovery::on_fired(std::uint64_t timer, std::uint64_t position) {
    if (position == no_position)
        known().timers.add(timer);
    else
        known().fired.push_back({timer, position});
}

void Recovery::on_timers_settled(std::uint64_t begin, std::uint64_t end) {
    known().timers.add_range(begin, end);
}

void Recovery::on_opened(std::uint64_t stream_end) {
    known().stream_end = stream_end;
}

void Recovery::on_snapshot_begin(std::uint64_t stream_end, std::uint64_t timer_floor) {
    fresh_ = Known();
    fresh_.stream_end = stream_end;
    fresh_.timers.raise_floor(timer_floor);
    in_snapshot_ = true;
    snapshot_first_ = !seen_;
}

void Recovery::on_snapshot_end() {
    if (!std::exchange(in_snapshot_, false)) return;
    known_ = std::exchange(fresh_, Known());
}

// --- judgement ---------------------------------------------------------------------------------------------

bool Recovery::apply(Core& core, Progress& progress, Delays& delays, Readers& readers) {
    give_up_snapshot();  // its end is missing
    bool cut = apply_delays(core, delays);
    cut |= apply_progress(core, progress);
    cut |= apply_readers(core, readers);
    return cut;
}

/// A note holds if the record it speaks of is there: seen just now, or in a sealed segment, which was durable
/// before it was sealed. Or was there: only sealed segments are dropped.
bool Recovery::judge_fired(std::uint64_t sealed_end) {
    std::set<std::pair<std::uint64_t, std::uint64_t>> there;
    for (const Origin& origin : origins_)
        there.emplace(origin.timer, origin.position);
    bool cut = false;
    for (const Delays::Fired& fired : std::exchange(known_.fired, {})) {
        if (fired.position < sealed_end || there.contains({fired.timer, fired.position}))
            known_.timers.add(fired.timer);
        else
            cut = true;
    }
    return cut;
}

bool Recovery::apply_delays(Core& core, Delays& delays) {
    std::uint64_t sealed_end = core.stream->begin().value();
    for (const store::SegmentInfo& segment : core.stream->segments())
        if (segment.sealed) sealed_end = segment.end.value();
    const std::uint64_t stream_end = core.stream->end().value();
    const bool cut = judge_fired(sealed_end) || known_.stream_end > stream_end;
    const std::uint64_t accounted = known_.stream_end;
    delays.restore(std::move(known_.timers), stream_end);
    const std::uint64_t timers_end = core.queue->range(timer_queue).end.value();
    for (const Origin& origin : origins_)
        if (origin.position >= accounted && origin.timer < timers_end && !delays.is_settled(origin.timer))
            delays.restore_fired({origin.timer, origin.position});
    return cut;
}

bool Recovery::apply_progress(Core& core, Progress& progress) {
    for (const auto& [group, queues] : known_.progress) {
        if (!core.catalog->group(model::GroupId(group))) continue;
        for (const auto& [queue, next] : queues)
            if (core.catalog->owner(model::QueueId(queue)).kind != QueueOwner::Kind::none)
                progress.restore(group, queue, next);
    }
    const std::size_t clamped =
        progress.clamp([&](model::QueueId queue) { return core.log_of(queue).range(queue).end; });
    if (clamped > 0)
        log_warn("broker", "{} group offsets pointed past the recovered log and were set back to its end",
                 clamped);
    return clamped > 0;
}

bool Recovery::apply_readers(Core& core, Readers& readers) {
    std::size_t cut = 0;
    for (auto& [id, reader] : known_.readers) {
        const model::QueueId queue(reader.queue);
        const QueueOwner::Kind kind = core.catalog->owner(queue).kind;
        if (kind != QueueOwner::Kind::topic && kind != QueueOwner::Kind::named) continue;
        cut += readers.restore({id, queue, std::move(reader.name), std::move(reader.state)});
    }
    if (cut > 0)
        log_warn("broker", "{} readers had settled messages past the recovered log; those were forgotten",
                 cut);
    return cut > 0;
}

}  // namespace posthorn::broker
