#include <algorithm>
#include <limits>

#include "base/log.h"
#include "broker_impl.h"

namespace posthorn::broker {
namespace {

constexpr std::int64_t stuck_retry_ms = 100;
constexpr std::int64_t names_retry_ms = 500;

}  // namespace

void Broker::Impl::begin_tick(Now now) {
    core.now = now;
    core.notes.at(now.wall_ms);
    ++core.counters.ticks;
    core.worker.collect();
    core.names_worker.collect();
    show_defined_queues();
    for (const LogId id : {LogId::stream, LogId::queue})
        if (core.log(id).sync_owed()) core.log(id).request_sync();
    release();
    delays.fire();
    readers.run_out();
    readers.release_some();
    retention.look();
    mover.step();
    if (core.now.steady_ms >= core.read_again_ms) {
        core.read_again_ms = Core::never;
        core.loaded = true;
    }
    if (std::exchange(core.loaded, false)) {
        core.loaded_waiters.wake();
        readers.loaded();
    }
    core.visibility.wake_released([this](model::QueueId queue) { readers.queue_grew(queue); });
}

/// The notes, then one write per log, the stream log first, so that a killed process leaves no note of a
/// record that is not there; then what has become true is shown. New names go to their worker meanwhile: ids
/// are never given twice, so a record may speak of a name that a crash takes.
void Broker::Impl::end_tick() {
    commit_names();
    forget_deleted_queues();
    note_changes();
    write_logs();
    request_syncs();
    release();
    core.visibility.wake_released([this](model::QueueId queue) { readers.queue_grew(queue); });
    readers.wake();
}

void Broker::Impl::commit_names() {
    core.catalog->submit(core.now.steady_ms);
    // A worker that does its work at once has done it. What belongs to the logs waits for the next tick.
    if (&core.names_worker == &core.worker || core.names_worker.collect() == 0) return;
    show_defined_queues();
}

void Broker::Impl::show_defined_queues() {
    const auto fresh = core.catalog->take_defined_queues();
    for (model::QueueId queue = fresh.begin; queue < fresh.end; ++queue)
        if (!core.range(queue).empty()) core.visibility.grew(queue);
}

void Broker::Impl::forget_deleted_queues() {
    for (const model::QueueId queue : core.catalog->take_deleted_queues()) {
        readers.forget_queue(queue);
        progress.forget(queue);
    }
}

void Broker::Impl::note_changes() {
    if (core.notes.waiting()) core.notes.flush();
    if (core.notes.waiting()) return;  // what changes meanwhile is noted once, when there is room
    delays.note_changes();
    readers.note_changes();
    if (progress.dirty() && core.now.steady_ms - progress_noted_ms_ >= core.options.progress_interval_ms) {
        progress_noted_ms_ = core.now.steady_ms;
        progress.note_changes(core.notes.writer());
    }
    core.notes.flush();
}

void Broker::Impl::write_logs() {
    for (const LogId id : {LogId::stream, LogId::queue}) {
        // A failed write is logged by the log; `failed` says it to everybody who asks for a promise.
        if (!core.log(id).write()) continue;
        core.visibility.written(id, core.log(id).written());
    }
}

bool Broker::Impl::sync_due(LogId id) const {
    const Core::Sync& sync = core.sync[static_cast<std::size_t>(id)];
    const std::uint64_t unsynced = core.log(id).written() - sync.requested;
    if (unsynced == 0) return false;
    return (core.options.flush == Flush::sync && sync.message_appended) || sync.wanted > sync.requested ||
           core.now.steady_ms - sync.last_steady_ms >= core.options.sync_interval_ms ||
           unsynced >= core.options.unsynced_bytes_max;
}

void Broker::Impl::request_syncs() {
    for (const LogId id : {LogId::stream, LogId::queue}) {
        Core::Sync& sync = core.sync_of(id);
        if (sync_due(id)) {
            core.log(id).request_sync();
            sync.requested = core.log(id).written();
            sync.last_steady_ms = core.now.steady_ms;
            sync.message_appended = false;
        }
    }
}

void Broker::Impl::release() {
    const bool by_sync = core.options.flush == Flush::sync;
    for (const LogId id : {LogId::stream, LogId::queue})
        core.visibility.release(id, by_sync ? core.log(id).synced() : core.log(id).written());
    delays.release_safe();
}

/// All that is known goes to the start of a segment of the queue log, or where `maintain` asks for it. A
/// snapshot that does not go in whole gets no end, and the notes after it tell recovery to leave it out.
bool Broker::Impl::snapshot() {
    Result<void> done;
    const auto append = [&](Bytes note) {
        if (!done) return;
        store::NewRecord record;
        record.kind = store::RecordKind::state;
        record.payload = note;
        if (auto appended = core.queue->append(record, core.now.wall_ms); !appended) done = appended.error();
    };
    StateWriter notes(append, core.notes.note_bytes());
    notes.snapshot_begin(delays.stream_end_at_open(), delays.floor());
    delays.note_all(notes);
    progress.note_all(notes);
    readers.note_all(notes);
    notes.snapshot_end();
    if (done)
        core.notes.snapshot_written();
    else
        log_error("broker", "there is no room for a snapshot of the state, older segments stay: {}",
                  done.error().message);
    return done.ok();
}

/// The stream log began a segment: the one before is sealed, and its origins never seen again, only when the
/// notes of what it fired are durable.
void Broker::Impl::stream_rolled() {
    delays.note_changes();
    core.notes.flush();
    seal_barrier_ = store::Position(std::numeric_limits<std::uint64_t>::max());
    if (core.notes.waiting() || !core.queue->write()) return;  // nothing is sealed before the next roll
    core.visibility.written(LogId::queue, core.queue->written());
    seal_barrier_ = core.queue->written();
    core.queue->request_sync();
}

std::int64_t Broker::Impl::next_tick_ms() const {
    std::int64_t next = std::min({readers.next_deadline_ms(), retention.next_look_ms(), core.read_again_ms});
    const std::int64_t due = delays.next_due_ms();
    if (due == 0)
        next = core.now.steady_ms;
    else if (due != std::numeric_limits<std::int64_t>::max())
        next = std::min(next, core.now.steady_ms + std::max<std::int64_t>(due - core.now.wall_ms, 0));
    for (const LogId id : {LogId::stream, LogId::queue}) {
        const Core::Sync& sync = core.sync[static_cast<std::size_t>(id)];
        if (core.log(id).end() > sync.requested)
            next = std::min(next, sync.last_steady_ms + core.options.sync_interval_ms);
    }
    if (progress.dirty()) next = std::min(next, progress_noted_ms_ + core.options.progress_interval_ms);
    if (mover.busy()) next = core.now.steady_ms;
    if (core.catalog->failing()) next = std::min(next, core.now.steady_ms + names_retry_ms);
    // What is overdue and cannot be done right now would only burn the processor, tick after tick.
    const bool stuck = core.notes.waiting() || core.stream->failed() || core.queue->failed() ||
                       core.stream->stalled() || core.queue->stalled();
    return std::max(next, core.now.steady_ms + (stuck ? stuck_retry_ms : 0));
}

}  // namespace posthorn::broker
