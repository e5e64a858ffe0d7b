#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/log.h"
#include "broker_impl.h"

namespace posthorn::broker {
namespace {

// One fetch looks at no more messages than this for its filter: the others on the loop get their turn.
constexpr std::uint64_t scan_max = 16 * 1024;
constexpr std::size_t entries_at_once = 64;

Error on_its_way() {
    return {Errc::loading, "it is on its way from the disk"};
}

store::NewRecord head_of(const Publication& message) {
    store::NewRecord record;
    record.format = message.format;
    record.priority = message.priority;
    record.tag = message.tag;
    record.key = message.key;
    record.deadline = message.expires_ms;
    record.payload = message.payload;
    return record;
}

}  // namespace

// --- in ----------------------------------------------------------------------------------------------------

std::optional<Error> Broker::Impl::refusing() const {
    if (core.stream->failed() || core.queue->failed())
        return Error{Errc::read_only, "a write or sync failed; the store is read-only until restart"};
    if (core.refusing) return core.refusing;
    if (core.stream->stalled() || core.queue->stalled())
        return Error{Errc::no_space, "the disk is full: free space on it or move the data directory"};
    if (core.notes.waiting())
        return Error{Errc::no_space, "the disk has no room for the state of deliveries: free space on it"};
    return std::nullopt;
}

Error Broker::Impl::refused(const Error& why) {
    ++(why.code == Errc::read_only                            ? core.counters.refused_read_only
       : why.code == Errc::no_space || why.code == Errc::full ? core.counters.refused_no_space
                                                              : core.counters.refused_invalid);
    return why;
}

Result<void> Broker::Impl::admit() {
    if (core.refusing || core.notes.waiting() || core.stream->failed() || core.queue->failed()) [[unlikely]]
        return refused(*refusing());
    return {};
}

/// The change of names that must be durable before anything is promised about a message in a new queue.
Result<std::uint64_t> Broker::Impl::names_of_new_queue() {
    if (const Error* failing = core.catalog->failing())
        return refused(
            {Errc::no_space, fmt::format("its queue cannot be made durable: {}", failing->message)});
    return core.catalog->changes();
}

/// 0 if all these queues are durable.
Result<std::uint64_t> Broker::Impl::names_of(std::span<const model::QueueId> queues) {
    for (const model::QueueId queue : queues)
        if (!core.catalog->defined(queue)) [[unlikely]]
            return names_of_new_queue();
    return std::uint64_t{0};
}

Result<QueueOwner> Broker::Impl::admit(model::QueueId queue) {
    if (auto admitted = admit(); !admitted) [[unlikely]]
        return admitted.error();
    const QueueOwner owner = core.catalog->owner(queue);
    if (owner.kind == QueueOwner::Kind::topic || owner.kind == QueueOwner::Kind::named) [[likely]]
        return owner;
    return refused({Errc::not_found, fmt::format("there is no queue {}", queue.value())});
}

Receipt Broker::Impl::published(const Publication& message, const Core::Append& done, bool in_queue_log,
                                std::uint64_t names) {
    ++core.counters.published;
    core.counters.published_bytes += message.payload.size();
    return {.in_queue_log = in_queue_log,
            .position = done.appended.position,
            .end = done.appended.end,
            .offset = done.appended.offset,
            .store_ms = done.store_ms,
            .names = names};
}

Result<Receipt> Broker::Impl::publish(const Publication& message) {
    if (!message.queues.empty()) return publish_to_many(message);
    const auto owner = admit(message.queue);
    if (!owner) return owner.error();
    const bool named = owner->kind == QueueOwner::Kind::named;
    store::NewRecord record = head_of(message);
    if (named && !(owner->durable && message.persistent)) {
        const store::Place place{message.queue, core.end(message.queue)};
        const auto done = core.append_volatile(record, {&place, 1});
        if (!done) return refused(done.error());
        return published(message, *done, false, 0);
    }
    const auto names = names_of({&message.queue, 1});
    if (!names) return names.error();
    record.queues = {&message.queue, 1};
    const auto done = core.append(named ? LogId::queue : LogId::stream, record);
    if (!done) return refused(done.error());
    return published(message, *done, named, *names);
}

/// Which of the message's queues keep it for good, and where it stands in the others.
Result<void> Broker::Impl::sort_queues(const Publication& message) {
    durable_queues_.clear();
    volatile_places_.clear();
    for (const model::QueueId queue : message.queues) {
        const QueueOwner owner = core.catalog->owner(queue);
        if (owner.kind != QueueOwner::Kind::named)
            return refused({Errc::not_found, fmt::format("there is no named queue {}", queue.value())});
        if (owner.durable && message.persistent)
            durable_queues_.push_back(queue);
        else
            volatile_places_.push_back({queue, core.end(queue)});
    }
    return {};
}

/// One record names 255 queues at most; more records are in one batch. The last one's end is the promise.
Result<Core::Append> Broker::Impl::append_to_durable(store::NewRecord& record) {
    const std::size_t queues = durable_queues_.size();
    const std::size_t records = (queues + store::most_destinations - 1) / store::most_destinations;
    if (records > 1) {
        const std::size_t bytes = records * record.payload.size();
        if (auto room = core.queue->reserve(records, queues, bytes, core.now.wall_ms); !room) {
            core.no_space_seen |= room.error().code == Errc::no_space;
            return room.error();
        }
    }
    std::optional<Core::Append> first;
    for (std::size_t at = 0; at < queues; at += store::most_destinations) {
        record.queues =
            std::span(durable_queues_).subspan(at, std::min(store::most_destinations, queues - at));
        const auto done = core.append(LogId::queue, record);
        if (!done) return done.error();
        if (!first) first = *done;
        first->appended.end = done->appended.end;
    }
    return *first;
}

Result<void> Broker::Impl::reserve(model::QueueId queue, std::size_t messages, std::size_t payload_bytes) {
    const auto owner = admit(queue);
    if (!owner) return owner.error();
    if (!owner->durable) return {};
    auto done = core.log(Core::log_id(*owner)).reserve(messages, messages, payload_bytes, core.now.wall_ms);
    if (done || done.error().code == Errc::invalid) return done;
    core.no_space_seen |= done.error().code == Errc::no_space;
    return refused(done.error());
}

Result<Receipt> Broker::Impl::publish_to_many(const Publication& message) {
    if (auto admitted = admit(); !admitted) return admitted.error();
    if (auto sorted = sort_queues(message); !sorted) return sorted.error();
    const auto names = names_of(durable_queues_);
    if (!names) return names.error();
    store::NewRecord record = head_of(message);
    if (!volatile_places_.empty())
        if (auto room = core.transient->reserve(message.payload.size()); !room) return refused(room.error());
    std::optional<Core::Append> durable;
    if (!durable_queues_.empty()) {
        const auto done = append_to_durable(record);
        if (!done) return refused(done.error());
        durable = *done;
    }
    if (volatile_places_.empty()) return published(message, *durable, true, *names);
    record.queues = {};
    const auto done = core.append_volatile(record, volatile_places_);
    POSTHORN_CHECK(done.ok(), "the room that was reserved is gone");
    return published(message, durable ? *durable : *done, durable.has_value(), *names);
}

Result<Receipt> Broker::Impl::publish_at(const Publication& message, std::int64_t due_ms) {
    if (due_ms <= core.now.wall_ms) return publish(message);
    if (due_ms - core.now.wall_ms > core.options.max_delay_ms)
        return refused({Errc::invalid, fmt::format("a delay of {} ms; {} is the most",
                                                   due_ms - core.now.wall_ms, core.options.max_delay_ms)});
    const auto owner = admit(message.queue);
    if (!owner) return owner.error();
    if (!owner->durable)
        return refused({Errc::unsupported, "a delayed message for a queue that is not durable"});
    const auto names = names_of({&message.queue, 1});
    if (!names) return names.error();
    auto receipt = delays.add(message, due_ms);
    if (!receipt) return refused(receipt.error());
    receipt->names = *names;
    ++core.counters.published;
    core.counters.published_bytes += message.payload.size();
    return receipt;
}

Promise Broker::Impl::state(const Receipt& receipt, bool must_sync) {
    if (receipt.transient()) return Promise::kept;
    if (receipt.names != 0 && !core.catalog->durable(receipt.names)) [[unlikely]]
        return core.catalog->failing() ? Promise::broken : Promise::pending;
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

store::Read Broker::Impl::entries(model::QueueId queue, model::QueueOffset from, std::span<store::Entry> out,
                                  std::size_t* count) {
    *count = 0;
    if (core.catalog->owner(queue).kind == QueueOwner::Kind::none) return store::Read::none;
    const store::Range range = core.range(queue);
    if (from < range.begin || from >= range.end) return store::Read::none;
    const auto wanted = std::min<std::uint64_t>(out.size(), range.end - from);
    return core.log_of(queue).entries(queue, from, out.first(wanted), count);
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
        loading = store::not_now(read);
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
            loading = store::not_now(found);
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

Result<model::QueueOffset> Broker::Impl::offset_by_time(model::QueueId queue, std::int64_t wall_ms) {
    if (core.catalog->owner(queue).kind == QueueOwner::Kind::none)
        return Error{Errc::not_found, fmt::format("there is no queue {}", queue.value())};
    model::QueueOffset offset;
    switch (core.log_of(queue).offset_by_time(queue, wall_ms, &offset)) {
        case store::Read::ready:
            return std::min(offset, core.range(queue).end);
        case store::Read::none:
            return core.range(queue).end;
        case store::Read::loading:
        case store::Read::failed:
            return on_its_way();
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
    switch (log.record_at(position, &record)) {
        case store::Read::ready:
            visit(record);
            return {};
        case store::Read::loading:
        case store::Read::failed:
            return on_its_way();
        case store::Read::damaged:
            return Error{Errc::damaged,
                         fmt::format("the message at position {} is damaged", position.value())};
        case store::Read::none:
            break;
    }
    return Error{Errc::not_found, fmt::format("no message at position {}", position.value())};
}

// --- the rest ----------------------------------------------------------------------------------------------

Result<void> Broker::Impl::commit_progress(model::GroupId group, model::QueueId queue,
                                           model::QueueOffset next) {
    const QueueOwner owner = core.catalog->owner(queue);
    if (!core.catalog->group(group) || owner.kind == QueueOwner::Kind::none || !owner.durable) return {};
    if (progress.set(group, queue, next)) return {};
    ++core.counters.refused_progress;
    Error full{Errc::full, fmt::format("{} group offsets are kept already, no group can begin with another "
                                       "queue; raise limits.progress or delete groups nobody uses",
                                       progress.size())};
    if (progress_lines_.allows(core.now.steady_ms * 1'000'000))
        log_warn("broker", "an offset of group {} is not kept (nor {} before): {}",
                 core.catalog->group(group)->name, progress_lines_.left_out(), full.message);
    return full;
}

void Broker::Impl::forget_progress(model::GroupId group) {
    progress.forget(group);
    core.notes.writer().group_forgotten(group.value());
}

Broker::Counters Broker::Impl::counters() const {
    Counters counters = core.counters;
    counters.timers_waiting = delays.waiting();
    counters.timers_near = delays.near();
    counters.progress_entries = progress.size();
    counters.waiters = core.visibility.waiters();
    return counters;
}

}  // namespace posthorn::broker
