#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/log.h"
#include "broker_impl.h"
#include "data_directory.h"
#include "recovery.h"

namespace posthorn::broker {
namespace {

// A stored message is its body, its properties and the protocol's frame around them.
constexpr std::uint32_t message_extra_bytes = 256 * 1024;

std::string join(const std::string& directory, std::string_view name) {
    return directory.empty() ? std::string(name) : directory + "/" + std::string(name);
}

}  // namespace

Broker::Impl::Impl(env::Files& files, Workers workers, BrokerOptions options)
    : core(files, workers, options) {}

Broker::Impl::~Impl() = default;

store::LogOptions Broker::Impl::log_options(LogId id, std::uint64_t store_id) {
    const bool stream = id == LogId::stream;
    store::LogOptions options;
    options.name = stream ? "stream" : "queue";
    options.segment_bytes = stream ? core.options.stream_segment_bytes : core.options.queue_segment_bytes;
    options.tail_bytes = stream ? core.options.stream_tail_bytes : core.options.queue_tail_bytes;
    options.cold_bytes = core.options.cold_bytes;
    options.max_record_bytes = static_cast<std::uint32_t>(
        std::min<std::uint64_t>({core.options.max_message_bytes + message_extra_bytes, options.tail_bytes / 4,
                                 options.segment_bytes / 4}));
    options.store_id = store_id;
    options.counts_live = options.spare_segment = !stream;
    options.synced_often = core.options.flush == Flush::sync;
    options.on_roll = [this, stream] {
        if (!stream) return snapshot();
        stream_rolled();
        return true;
    };
    if (stream) options.may_seal = [this] { return core.queue->synced() >= seal_barrier_; };
    options.on_loaded = [this] { core.loaded = true; };
    options.on_read_failed = [this](const Error& error) { core.read_failed(error); };
    return options;
}

Result<void> Broker::Impl::open_logs(const std::string& directory, std::uint64_t store_id,
                                     Recovery& recovery) {
    auto stream =
        store::Log::open(core.files, join(directory, "log/stream"), log_options(LogId::stream, store_id),
                         core.worker, [&](const store::Record& record) { recovery.see_stream(record); });
    if (!stream) return stream.error();
    core.stream = std::move(*stream);
    auto queue =
        store::Log::open(core.files, join(directory, "log/queue"), log_options(LogId::queue, store_id),
                         core.worker, [&](const store::Record& record) { recovery.see_queue(record); });
    if (!queue) return queue.error();
    core.queue = std::move(*queue);
    store::VolatileOptions transient;
    transient.memory_bytes = core.options.volatile_memory_bytes;
    transient.index_bytes = core.options.volatile_index_bytes;
    transient.max_record_bytes = core.options.max_message_bytes + message_extra_bytes;
    transient.on_loaded = [this] { core.loaded = true; };
    transient.on_read_failed = [this](const Error& error) { core.read_failed(error); };
    core.transient = std::make_unique<store::VolatileLog>(core.files, directory, transient, core.worker);
    core.notes.use(core.queue.get(), log_options(LogId::queue, store_id).max_record_bytes / 2);
    for (const LogId id : {LogId::stream, LogId::queue}) {
        core.sync_of(id).requested = core.log(id).end();
        core.sync_of(id).last_steady_ms = core.now.steady_ms;
        core.sync_of(id).store_ms = core.log(id).segments().back().last_time;
        for (const store::SegmentInfo& segment : core.log(id).segments())
            core.sync_of(id).store_ms = std::max(core.sync_of(id).store_ms, segment.last_time);
    }
    return {};
}

Result<void> Broker::Impl::open(const std::string& directory, std::unique_ptr<store::Definitions> definitions,
                                Now now) {
    core.now = now;
    core.notes.at(now.wall_ms);
    progress_noted_ms_ = now.steady_ms;
    if (auto made = core.files.make_directories(directory); !made) return made;
    auto lock = core.files.lock(join(directory, "lock"));
    if (!lock) return lock.error();
    core.lock = std::move(*lock);
    auto data = DataDirectory::open(core.files, directory, core.options.new_store_id);
    if (!data) return data.error();
    auto catalog = Catalog::load(std::move(definitions), core.options, core.names_worker);
    if (!catalog) return catalog.error();
    core.catalog = std::move(*catalog);

    Recovery recovery(now);
    if (auto opened = open_logs(directory, data->store_id, recovery); !opened) return opened;
    const bool cut = recovery.apply(core, progress, delays, readers);
    release_queues_of_nobody();
    if (auto settled = settle_recovery(cut); !settled) return settled;
    open_ = true;
    log_info("broker", "{} topics, {} groups; stream log to {}, queue log to {}, {} delayed messages{}",
             core.catalog->topic_count(), core.catalog->group_count(), core.stream->end().value(),
             core.queue->end().value(), delays.waiting(), cut ? "; a power cut took the newest of them" : "");
    return {};
}

/// Tells the queue log how this opening judged what it found. When something was cut, the judgement must be
/// durable before a new record takes a place an old note speaks of.
Result<void> Broker::Impl::settle_recovery(bool cut) {
    delays.note_changes();
    core.notes.writer().opened(core.stream->end().value());
    core.notes.flush();
    if (!cut) return {};
    if (!snapshot())
        return Error{
            Errc::no_space,
            "the disk has no room for the state after a power cut: free space on it and start again"};
    auto synced = core.queue->sync();
    core.sync_of(LogId::queue).requested = core.queue->synced();
    return synced;
}

/// Queues deleted right before a crash: what they hold is nobody's.
void Broker::Impl::release_queues_of_nobody() {
    for (std::uint32_t id = timer_queue.value() + 1; id <= core.catalog->queue_ids_given(); ++id)
        if (core.catalog->owner(model::QueueId(id)).kind == QueueOwner::Kind::none)
            readers.forget_queue(model::QueueId(id));
}

void Broker::Impl::finish_work() {
    for (runtime::Worker* worker : {&core.worker, &core.names_worker})
        while (worker->outstanding() > 0) {
            worker->wait();
            worker->collect();
        }
}

Result<void> Broker::Impl::close() {
    POSTHORN_CHECK(open_, "closing a broker that is not open");
    open_ = false;
    progress.note_changes(core.notes.writer());
    note_changes();
    finish_work();
    Result<void> result = core.catalog->close();
    for (const LogId id : {LogId::stream, LogId::queue})
        if (auto closed = core.log(id).close(); !closed && result) result = closed;
    finish_work();
    return result;
}

}  // namespace posthorn::broker
