#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "broker_impl.h"

namespace posthorn::broker {
namespace {

// One fetch looks at no more messages than this for its filter: the others on the loop get their turn.
constexpr std::uint64_t scan_max = 16 * 1024;
constexpr std::size_t entries_at_once = 64;
// People and tools wait this long for a cold disk at most.
constexpr auto await_max = std::chrono::seconds(10);

}  // namespace

// --- in ----------------------------------------------------------------------------------------------------

std::optional<Error> Broker::Impl::refusing() const {
    if (core.stream->failed() || core.queue->failed())
        return Error{Errc::read_only, "a write or sync failed; the store is read-only until restart"};
    if (core.refusing) return core.refusing;
    if (definitions_failing_)
        return Error{Errc::no_space, "the definitions cannot be written: free space on the disk"};
    if (core.notes.waiting())
        return Error{Errc::no_space, "the disk has no room for the state of deliveries: free space on it"};
    return std::nullopt;
}

Result<LogId> Broker::Impl::admit(const Publication& message) {
    if (core.refusing || definitions_failing_ || core.notes.waiting() || core.stream->failed() ||
        core.queue->failed()) [[unlikely]] {
        Error why = *refusing();
        ++(why.code == Errc::read_only ? core.counters.refused_read_only : core.counters.refused_no_space);
        return why;
    }
    // A batch that is full is written in mid-tick, so names must be durable before a record speaks of them.
    if (core.catalog->staged() && !commit_names()) [[unlikely]] {
        ++core.counters.refused_no_space;
        return *refusing();
    }
    for (const model::QueueId queue : message.queues)
        if (core.catalog->owner(queue).kind != QueueOwner::Kind::named) {
            ++core.counters.refused_invalid;
            return Error{Errc::not_found, fmt::format("there is no named queue {}", queue.value())};
        }
    if (!message.queues.empty()) return LogId::queue;
    const QueueOwner owner = core.catalog->owner(message.queue);
    if (owner.kind == QueueOwner::Kind::topic) return LogId::stream;
    if (owner.kind == QueueOwner::Kind::named) return LogId::queue;
    ++core.counters.refused_invalid;
    return Error{Errc::not_found, fmt::format("there is no queue {}", message.queue.value())};
}

Result<Receipt> Broker::Impl::publish(const Publication& message) {
    const auto log = admit(message);
    if (!log) return log.error();
    store::NewRecord record;
    record.format = message.format;
    record.priority = message.priority;
    record.tag = message.tag;
    record.key = message.key;
    record.deadline = message.expires_ms;
    record.queues = message.queues.empty() ? std::span(&message.queue, 1) : message.queues;
    record.payload = message.payload;
    const auto done = core.append(*log, record);
    if (!done) {
        ++(done.error().code == Errc::invalid     ? core.counters.refused_invalid
           : done.error().code == Errc::read_only ? core.counters.refused_read_only
                                                  : core.counters.refused_no_space);
        return done.error();
    }
    ++core.counters.published;
    core.counters.published_bytes += message.payload.size();
    return Receipt{false,          done->appended.position, done->appended.end, done->appended.offset,
                   done->store_ms, *log == LogId::queue};
}

Result<Receipt> Broker::Impl::publish_at(const Publication& message, std::int64_t due_ms) {
    if (due_ms <= core.now.wall_ms) return publish(message);
    if (due_ms - core.now.wall_ms > core.options.max_delay_ms) {
        ++core.counters.refused_invalid;
        return Error{Errc::invalid, fmt::format("a delay of {} ms; {} is the most", due_ms - core.now.wall_ms,
                                                core.options.max_delay_ms)};
    }
    const auto log = admit(message);
    if (!log) return log.error();
    auto receipt = delays.add(message, due_ms);
    if (!receipt) {
        ++core.counters.refused_no_space;
        return receipt;
    }
    ++core.counters.published;
    core.counters.published_bytes += message.payload.size();
    return receipt;
}

Promise Broker::Impl::state(const Receipt& receipt, bool must_sync) {
    const LogId id = receipt.in_queue_log ? LogId::queue : LogId::stream;
    const store::Log& log = core.log(id);
    const bool synced = must_sync || core.options.flush == Flush::sync;
    if (receipt.end <= (synced ? log.synced() : log.written())) return Promise::kept;
    if (log.failed()) return Promise::broken;
    if (synced) {
        Core::Sync& sync = core.sync_of(id);
        sync.wanted = std::max(sync.wanted, receipt.end);
        if (sync.requested < receipt.end && log.written() >= receipt.end) request_syncs();
    }
    return Promise::pending;
}

// --- out ---------------------------------------------------------------------------------------------------

Fetched Broker::Impl::fetch(const FetchRequest& request, MessageSink& sink) {
    Fetched fetched;
    if (core.catalog->owner(request.queue).kind == QueueOwner::Kind::none) return fetched;
    const store::Range range = core.range(request.queue);
    fetched.begin = range.begin;
    fetched.end = range.end;
    fetched.next = request.from;
    if (range.end == model::QueueOffset(0) && request.from == model::QueueOffset(0))
        fetched.status = FetchStatus::empty;
    else if (request.from == range.end)
        fetched.status = FetchStatus::at_end;
    else if (request.from > range.end)
        fetched.status = FetchStatus::beyond, fetched.next = range.end;
    else if (request.from < range.begin)
        fetched.status = FetchStatus::before, fetched.next = range.begin;
    else
        scan(request, range.end, fetched, sink);
    return fetched;
}

void Broker::Impl::scan(const FetchRequest& request, model::QueueOffset end, Fetched& fetched,
                        MessageSink& sink) {
    store::Log& log = core.log_of(request.queue);
    std::array<store::Entry, entries_at_once> entries;
    const model::QueueOffset stop = std::min(end, request.from + scan_max);
    std::uint64_t bytes = 0;
    bool loading = false, full = false;
    while (fetched.next < stop && !loading && !full) {
        std::size_t count = 0;
        std::size_t want = std::min<std::uint64_t>(entries.size(), stop - fetched.next);
        if (!request.filter) want = std::min<std::size_t>(want, request.max_messages - fetched.messages);
        const auto read = log.entries(request.queue, fetched.next, std::span(entries).first(want), &count);
        loading = read == store::Read::loading;
        if (read == store::Read::none || read == store::Read::damaged) ++fetched.next;
        if (read != store::Read::ready) continue;
        for (std::size_t n = 0; n < count; ++n) {
            const store::Entry& entry = entries[n];
            if (request.filter && !request.filter->matches(entry.tag)) {
                ++fetched.next;
                continue;
            }
            full = fetched.messages > 0 && bytes + entry.size > request.max_bytes;
            if (full) break;
            store::Record record;
            const auto found = log.record(entry, &record);
            loading = found == store::Read::loading;
            if (loading) break;
            const model::QueueOffset offset = fetched.next;
            ++fetched.next;
            if (found != store::Read::ready) continue;  // damaged: named and counted by the log, never served
            ++fetched.messages;
            bytes += entry.size;
            core.counters.fetched_bytes += record.payload.size();
            full = !sink.on_message(record, offset) || fetched.messages >= request.max_messages;
            if (full) break;
        }
    }
    core.counters.fetched += fetched.messages;
    fetched.status = fetched.messages > 0 ? FetchStatus::found
                     : loading            ? FetchStatus::loading
                                          : FetchStatus::no_match;
}

/// For people and tools: waits for the disk.
store::Read Broker::Impl::await(const std::function<store::Read()>& read) {
    const auto give_up = std::chrono::steady_clock::now() + await_max;
    for (;;) {
        const store::Read result = read();
        if (result != store::Read::loading) return result;
        if (core.worker.collect() > 0) continue;
        if (std::chrono::steady_clock::now() > give_up) return store::Read::loading;
        std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
}

Result<model::QueueOffset> Broker::Impl::offset_by_time(model::QueueId queue, std::int64_t wall_ms) {
    if (core.catalog->owner(queue).kind == QueueOwner::Kind::none)
        return Error{Errc::not_found, fmt::format("there is no queue {}", queue.value())};
    model::QueueOffset offset;
    const auto found = await([&] { return core.log_of(queue).offset_by_time(queue, wall_ms, &offset); });
    switch (found) {
        case store::Read::ready:
            return std::min(offset, core.range(queue).end);
        case store::Read::none:
            return core.range(queue).end;
        case store::Read::loading:
            return Error{Errc::busy, "the disk did not answer in time"};
        case store::Read::damaged:
            break;
    }
    return Error{Errc::damaged, fmt::format("the index of queue {} is damaged", queue.value())};
}

Result<void> Broker::Impl::read_at(store::Position position, bool delayed,
                                   const std::function<void(const Stored&)>& visit) {
    store::Log& log = delayed ? *core.queue : *core.stream;
    const store::Position readable = core.options.flush == Flush::sync ? log.synced() : log.written();
    if (position >= readable)
        return Error{Errc::not_found, fmt::format("no message at position {}", position.value())};
    store::Record record;
    switch (await([&] { return log.record_at(position, &record); })) {
        case store::Read::ready:
            visit(record);
            return {};
        case store::Read::loading:
            return Error{Errc::busy, "the disk did not answer in time"};
        case store::Read::damaged:
            return Error{Errc::damaged,
                         fmt::format("the message at position {} is damaged", position.value())};
        case store::Read::none:
            break;
    }
    return Error{Errc::not_found, fmt::format("no message at position {}", position.value())};
}

// --- the rest ----------------------------------------------------------------------------------------------

void Broker::Impl::forget_progress(model::GroupId group) {
    progress.forget(group);
    core.notes.writer().group_forgotten(group.value());
}

Broker::Counters Broker::Impl::counters() const {
    Counters counters = core.counters;
    counters.timers_waiting = delays.waiting();
    counters.waiters = core.visibility.waiters();
    return counters;
}

}  // namespace posthorn::broker
