#include "readers.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "base/log.h"

namespace posthorn::broker {
namespace {

constexpr std::size_t entries_at_once = 32;
constexpr std::size_t name_bytes_max = 1024;
// A queue of millions may be purged or deleted: its messages are given back to the logs so many per tick.
constexpr std::uint64_t released_at_once = 10'000;

}  // namespace

// --- who there is ------------------------------------------------------------------------------------------

Result<Readers::Reader*> Readers::find(ReaderId reader) const {
    if (reader.value() == nobody || reader.value() >= readers_.size() || !readers_[reader.value()])
        return Error{Errc::not_found, fmt::format("there is no reader {}", reader.value())};
    if (core_.catalog->owner(readers_[reader.value()]->queue).kind == QueueOwner::Kind::none)
        return Error{Errc::not_found, "the queue of this reader is deleted"};
    return readers_[reader.value()].get();
}

/// What is taken, settled or returned must be noted; a log that takes no notes takes no promises either.
Result<Readers::Reader*> Readers::find_to_change(ReaderId reader) const {
    auto found = find(reader);
    if (found && (*found)->durable && core_.queue->failed())
        return Error{Errc::read_only,
                     "a write or sync failed; nothing can be taken or settled until restart"};
    return found;
}

Readers::Reader& Readers::add(std::uint32_t id, std::string_view name, model::QueueId queue) {
    if (readers_.size() <= id) readers_.resize(id + 1);
    auto reader = std::make_unique<Reader>();
    reader->id = id;
    reader->queue = queue;
    reader->name = name;
    const QueueOwner owner = core_.catalog->owner(queue);
    reader->named = owner.kind == QueueOwner::Kind::named;
    reader->durable = owner.durable;
    if (of_queue_.size() <= queue.value()) of_queue_.resize(queue.value() + 1);
    reader->next_of_queue = std::exchange(of_queue_[queue.value()], id);
    by_name_.emplace(name, id);
    readers_[id] = std::move(reader);
    return *readers_[id];
}

Result<ReaderId> Readers::open(std::string_view name, model::QueueId queue) {
    const QueueOwner::Kind kind = core_.catalog->owner(queue).kind;
    if (kind != QueueOwner::Kind::topic && kind != QueueOwner::Kind::named)
        return Error{Errc::not_found, fmt::format("there is no queue {}", queue.value())};
    if (name.empty() || name.size() > name_bytes_max)
        return Error{Errc::invalid, fmt::format("a reader's name has 1 to {} bytes", name_bytes_max)};
    if (const auto at = by_name_.find(name); at != by_name_.end()) {
        const model::QueueId other = readers_[at->second]->queue;
        if (other == queue) return ReaderId(at->second);
        if (core_.catalog->owner(other).kind != QueueOwner::Kind::none)
            return Error{Errc::exists, fmt::format("reader {} reads another queue", name)};
        by_name_.erase(at);  // its queue is deleted, and it goes when that is durable
    }
    if (kind == QueueOwner::Kind::named && queue.value() < of_queue_.size() && of_queue_[queue.value()])
        return Error{Errc::exists,
                     fmt::format("the queue has its reader: {}", readers_[of_queue_[queue.value()]]->name)};
    auto id = static_cast<std::uint32_t>(readers_.size());
    if (!core_.catalog->owner(queue).durable && !free_.empty()) {
        id = free_.back();
        free_.pop_back();
    }
    Reader& reader = add(id, name, queue);
    reader.state.forget_below(core_.range(queue).begin.value());
    if (!reader.durable) return ReaderId(reader.id);
    if (reader.named) {
        mark_gaps(reader);
        reader.state.restored(core_.end(queue).value());
    }
    core_.notes.writer().reader_opened(reader.id, queue.value(), name);
    touch(reader);
    return ReaderId(reader.id);
}

/// Volatile messages that did not survive left their offsets: nothing is to be expected there.
void Readers::mark_gaps(Reader& reader) {
    const auto mark = [&](model::QueueOffset from, model::QueueOffset to) {
        while (from < to) {
            const model::QueueOffset held = core_.transient->next(reader.queue, from).value_or(to);
            if (from < held) reader.state.restore_gap(from.value(), std::min(held, to).value());
            from = held + 1;
        }
    };
    const store::Range range = core_.queue->range(reader.queue);
    model::QueueOffset from = range.begin;
    for (const store::Range& run : core_.queue->held(reader.queue)) {
        mark(from, run.begin);
        from = run.end;
    }
    mark(from, range.end);
}

void Readers::unlink(Reader& reader) {
    std::uint32_t* link = &of_queue_[reader.queue.value()];
    while (*link != reader.id)
        link = &readers_[*link]->next_of_queue;
    *link = reader.next_of_queue;
    if (const auto at = by_name_.find(reader.name); at != by_name_.end() && at->second == reader.id)
        by_name_.erase(at);
    in_flight_ -= reader.state.in_flight();
    if (reader.durable)
        core_.notes.writer().reader_deleted(reader.id);
    else
        free_.push_back(reader.id);
    readers_[reader.id].reset();
}

Result<void> Readers::remove(ReaderId id) {
    auto reader = find(id);
    if (!reader) return reader.error();
    unlink(**reader);
    return {};
}

void Readers::forget_queue(model::QueueId queue) {
    SettledSet settled;
    while (queue.value() < of_queue_.size() && of_queue_[queue.value()] != nobody) {
        Reader& reader = *readers_[of_queue_[queue.value()]];
        if (reader.named) settled = reader.state.take_settled();
        unlink(reader);
    }
    release_rest(queue, std::move(settled));
}

/// The queue log counts what lives; a deleted queue's messages live no more. Each is released once only.
void Readers::release_rest(model::QueueId queue, SettledSet settled) {
    core_.transient->forget(queue);
    const store::Range range = core_.queue->range(queue);
    const std::uint64_t begin = range.begin.value(), end = range.end.value();
    if (range.empty())  // its number may be given again
        std::erase_if(releasing_, [&](const Releasing& one) { return one.queue == queue; });
    else if (end - begin > released_at_once)
        releasing_.push_back({queue, begin, end, std::move(settled)});
    else
        for (std::uint64_t offset = begin; offset < end; ++offset)
            if (!settled.contains(offset)) release(queue, offset);
}

void Readers::release(model::QueueId queue, std::uint64_t offset) {
    if (!core_.transient->release(queue, model::QueueOffset(offset)))
        core_.queue->release(queue, model::QueueOffset(offset));
}

void Readers::release_some() {
    for (std::uint64_t left = released_at_once; left > 0 && !releasing_.empty();) {
        Releasing& next = releasing_.front();
        for (; next.at < next.end && left > 0; ++next.at, --left)
            if (!next.released.contains(next.at)) release(next.queue, next.at);
        if (next.at == next.end) releasing_.pop_front();
    }
}

const SettledSet* Readers::settled_of_named(model::QueueId queue) const {
    if (queue.value() >= of_queue_.size() || of_queue_[queue.value()] == nobody) return nullptr;
    const Reader& reader = *readers_[of_queue_[queue.value()]];
    return reader.named ? &reader.state.settled() : nullptr;
}

// --- taking and settling -----------------------------------------------------------------------------------

/// Neighbouring offsets are looked up many at a time.
class Readers::Run {
  public:
    store::Read find(store::Log& log, model::QueueId queue, std::uint64_t offset, std::size_t want,
                     store::Record* record) {
        if (offset < at_ || offset >= at_ + count_) {
            at_ = offset;
            const auto read =
                log.entries(queue, model::QueueOffset(offset),
                            std::span(entries_).first(std::min(want, entries_.size())), &count_);
            if (read != store::Read::ready) {
                count_ = 0;
                return read;
            }
        }
        return log.record(entries_[offset - at_], record);
    }

  private:
    std::array<store::Entry, entries_at_once> entries_;
    std::uint64_t at_ = 0;
    std::size_t count_ = 0;
};

store::Read Readers::find_record(Reader& reader, Run& run, std::uint64_t offset, std::size_t want,
                                 store::Record* record) {
    store::Read read = store::Read::none;
    if (reader.named) read = core_.transient->record(reader.queue, model::QueueOffset(offset), record);
    if (read == store::Read::none && reader.durable)
        read = run.find(core_.log(reader.named ? LogId::queue : LogId::stream), reader.queue, offset, want,
                        record);
    if (read == store::Read::loading && !std::exchange(reader.loading, true)) loading_.push_back(reader.id);
    return read;
}

void Readers::forget_gone(Reader& reader, const store::Range& range) {
    if (reader.named || reader.state.settled().floor() >= range.begin.value()) return;
    const std::uint64_t in_flight = reader.state.in_flight();
    reader.state.forget_below(range.begin.value());
    in_flight_ -= in_flight - reader.state.in_flight();
    touch(reader);
}

Result<void> Readers::in_flight_full(std::uint32_t taken) const {
    if (taken > 0) return {};
    return Error{Errc::full, fmt::format("{} messages are taken and not settled; settle some, or raise "
                                         "in_flight_max",
                                         in_flight_)};
}

Result<std::uint32_t> Readers::take(ReaderId id, std::uint32_t max_messages, std::int64_t lease_ms,
                                    TakeSink& sink) {
    auto found = find_to_change(id);
    if (!found) return found.error();
    Reader& reader = **found;
    const store::Range range = core_.range(reader.queue);
    forget_gone(reader, range);
    const std::int64_t deadline = lease_ms > 0 ? core_.now.steady_ms + lease_ms : 0;
    Run run;
    std::uint32_t taken = 0;
    while (taken < max_messages) {
        const auto offset = reader.state.next(range.end.value());
        if (!offset) break;
        if (in_flight_ >= core_.options.in_flight_max) {
            if (auto full = in_flight_full(taken); !full) return full.error();
            break;
        }
        store::Record record;
        const store::Read read = find_record(reader, run, *offset, max_messages - taken, &record);
        if (read == store::Read::loading) break;
        if (read != store::Read::ready) {
            pass_over(reader, *offset);
            continue;
        }
        const std::uint32_t attempt = reader.state.take(*offset, deadline);
        ++in_flight_;
        ++taken;
        if (!store::is_volatile(record.position)) touch(reader);
        if (deadline != 0) deadlines_.add({deadline, *offset, reader.id});
        if (!sink.on_taken(record, {model::QueueOffset(*offset), attempt, attempt > 1})) break;
    }
    return taken;
}

Result<std::uint32_t> Readers::offer(ReaderId id, std::uint32_t max_messages, OfferSink& sink) {
    auto found = find_to_change(id);
    if (!found) return found.error();
    Reader& reader = **found;
    const store::Range range = core_.range(reader.queue);
    forget_gone(reader, range);
    Run run;
    std::uint32_t taken = 0;
    while (taken < max_messages) {
        const auto offset = reader.state.next(range.end.value());
        if (!offset) break;
        store::Record record;
        const store::Read read = find_record(reader, run, *offset, max_messages - taken, &record);
        if (read == store::Read::loading) break;
        if (read != store::Read::ready) {
            pass_over(reader, *offset);
            sink.on_missing();
            continue;
        }
        const std::uint32_t attempt = reader.state.attempt(*offset);
        const bool crowded = in_flight_ >= core_.options.in_flight_max;
        const Offer done =
            sink.on_offer(record, {model::QueueOffset(*offset), attempt, attempt > 1, crowded});
        if (done == Offer::leave) break;
        ++taken;
        if (done == Offer::settle) {
            reader.state.pass(*offset);
            settle(reader, *offset);
        } else {
            reader.state.take(*offset, 0);
            ++in_flight_;
            if (!store::is_volatile(record.position)) touch(reader);
        }
    }
    return taken;
}

Result<void> Readers::read(ReaderId id, model::QueueOffset offset,
                           const std::function<void(const Stored&)>& visit) {
    auto found = find(id);
    if (!found) return found.error();
    Run run;
    store::Record record;
    switch (find_record(**found, run, offset.value(), 1, &record)) {
        case store::Read::ready:
            visit(record);
            return {};
        case store::Read::loading:
            return Error{Errc::busy, "the message is on its way from the disk"};
        case store::Read::none:
            return Error{Errc::not_found, "the message is gone"};
        case store::Read::damaged:
            break;
    }
    return Error{Errc::damaged, "the message is damaged"};
}

void Readers::settle(Reader& reader, std::uint64_t begin, std::uint64_t end) {
    if (end - begin > released_at_once) {
        if (reader.durable) note_settled(reader, begin, end);
        if (reader.named) releasing_.push_back({reader.queue, begin, end, {}});
        return;
    }
    for (; begin < end; ++begin) {
        if (reader.named && core_.transient->release(reader.queue, model::QueueOffset(begin))) continue;
        if (!reader.durable) continue;
        note_settled(reader, begin, begin + 1);
        if (reader.named) core_.queue->release(reader.queue, model::QueueOffset(begin));
    }
}

void Readers::pass_over(Reader& reader, std::uint64_t offset) {
    reader.state.pass(offset);
    settle(reader, offset);
}

Result<std::uint64_t> Readers::purge(ReaderId id) {
    auto found = find_to_change(id);
    if (!found) return found.error();
    Reader& reader = **found;
    const std::uint64_t end = core_.end(reader.queue).value();
    std::uint64_t count = 0;
    while (const auto offset = reader.state.next(reader.state.cursor())) {
        pass_over(reader, *offset);
        ++count;
    }
    const std::uint64_t cursor = reader.state.cursor();
    if (cursor < end) {
        count += reader.state.untaken(end);
        reader.state.pass_to(end);
        settle(reader, cursor, end);
    }
    return count;
}

Result<Broker::Looked> Readers::each_ready_tag(
    ReaderId id, model::QueueOffset from, std::uint32_t max,
    const std::function<void(model::QueueOffset, std::int32_t)>& visit) {
    auto found = find(id);
    if (!found) return found.error();
    Reader& reader = **found;
    if (!reader.durable) return Broker::Looked{core_.end(reader.queue), false};
    const std::uint64_t end = core_.range(reader.queue).end.value();
    std::uint64_t at = std::max(from.value(), reader.state.settled().floor());
    store::Log& log = core_.log(reader.named ? LogId::queue : LogId::stream);
    std::array<store::Entry, entries_at_once> entries;
    for (std::uint64_t looked = 0; at < end && looked < max;) {
        std::size_t count = 0;
        const auto read =
            log.entries(reader.queue, model::QueueOffset(at),
                        std::span(entries).first(std::min<std::uint64_t>(entries.size(), end - at)), &count);
        if (read == store::Read::loading) break;
        if (read != store::Read::ready) count = 1;
        for (std::size_t n = 0; n < count; ++n, ++at, ++looked)
            if (read == store::Read::ready && !reader.state.settled().contains(at) && !reader.state.held(at))
                visit(model::QueueOffset(at), entries[n].tag);
    }
    return Broker::Looked{model::QueueOffset(at), at < end};
}

Result<void> Readers::settle(ReaderId id, model::QueueOffset offset) {
    auto found = find_to_change(id);
    if (!found) return found.error();
    Reader& reader = **found;
    const std::uint64_t in_flight = reader.state.in_flight();
    if (!reader.state.settle(offset.value()))
        return Error{Errc::not_found, "the message is not in flight: settled before, or never taken"};
    in_flight_ -= in_flight - reader.state.in_flight();
    settle(reader, offset.value());
    return {};
}

Result<void> Readers::requeue(ReaderId id, model::QueueOffset offset, std::int64_t delay_ms) {
    auto found = find_to_change(id);
    if (!found) return found.error();
    Reader& reader = **found;
    const std::int64_t ready_at = delay_ms > 0 ? core_.now.steady_ms + delay_ms : ReaderState::at_once;
    if (!reader.state.give_back(offset.value(), ready_at))
        return Error{Errc::not_found, "the message is not in flight: settled or returned before"};
    --in_flight_;
    note_return(reader, offset.value());
    if (ready_at != ReaderState::at_once)
        deadlines_.add({ready_at, offset.value(), reader.id});
    else
        make_ready(reader);
    return {};
}

Result<void> Readers::extend(ReaderId id, model::QueueOffset offset, std::int64_t lease_ms) {
    auto found = find_to_change(id);
    if (!found) return found.error();
    const std::int64_t deadline = lease_ms > 0 ? core_.now.steady_ms + lease_ms : 0;
    if (!(*found)->state.extend(offset.value(), deadline))
        return Error{Errc::not_found, "the message is not in flight: its lease ran out, or it was settled"};
    if (deadline != 0) deadlines_.add({deadline, offset.value(), (*found)->id});
    return {};
}

Result<void> Readers::wait(ReaderId id, Waiter& waiter) {
    auto found = find(id);
    if (!found) return found.error();
    (*found)->waiters.add(waiter);
    return {};
}

Broker::ReaderCounts Readers::counts(ReaderId id) const {
    const auto found = find(id);
    if (!found) return {};
    const ReaderState& state = (*found)->state;
    return {state.ready(core_.range((*found)->queue).end.value()), state.in_flight(), state.delayed()};
}

// --- time and news -----------------------------------------------------------------------------------------

bool Readers::alive(const Deadlines::Deadline& deadline) const {
    return deadline.reader < readers_.size() && readers_[deadline.reader] &&
           readers_[deadline.reader]->state.awaits(deadline.offset, deadline.at_ms);
}

void Readers::run_out() {
    while (!deadlines_.empty() && deadlines_.first().at_ms <= core_.now.steady_ms) {
        const Deadlines::Deadline deadline = deadlines_.first();
        deadlines_.remove_first();
        if (!alive(deadline)) continue;
        Reader& reader = *readers_[deadline.reader];
        const std::uint64_t in_flight = reader.state.in_flight();
        reader.state.run_out(deadline.offset, deadline.at_ms);
        in_flight_ -= in_flight - reader.state.in_flight();
        note_return(reader, deadline.offset);
        make_ready(reader);
    }
    deadlines_.sweep([this](const Deadlines::Deadline& deadline) { return alive(deadline); });
}

std::int64_t Readers::next_deadline_ms() const {
    if (!releasing_.empty()) return core_.now.steady_ms;
    return deadlines_.empty() ? std::numeric_limits<std::int64_t>::max() : deadlines_.first().at_ms;
}

void Readers::make_ready(Reader& reader) {
    if (std::exchange(reader.to_wake, true)) return;
    to_wake_.push_back(reader.id);
}

void Readers::queue_grew(model::QueueId queue) {
    if (queue.value() >= of_queue_.size()) return;
    for (std::uint32_t id = of_queue_[queue.value()]; id != nobody; id = readers_[id]->next_of_queue)
        make_ready(*readers_[id]);
}

void Readers::loaded() {
    for (const std::uint32_t id : loading_)
        if (readers_[id]) {
            readers_[id]->loading = false;
            make_ready(*readers_[id]);
        }
    loading_.clear();
}

void Readers::wake() {
    waking_.swap(to_wake_);
    for (const std::uint32_t id : waking_)
        if (readers_[id]) {
            readers_[id]->to_wake = false;
            readers_[id]->waiters.wake();
        }
    waking_.clear();
}

// --- notes -------------------------------------------------------------------------------------------------

void Readers::touch(Reader& reader) {
    if (std::exchange(reader.dirty, true)) return;
    dirty_.push_back(reader.id);
}

void Readers::note_settled(Reader& reader, std::uint64_t begin, std::uint64_t end) {
    if (!reader.settled.empty() && reader.settled.back().end == begin)
        reader.settled.back().end = end;
    else
        reader.settled.push_back({begin, end});
    touch(reader);
}

void Readers::note_return(Reader& reader, std::uint64_t offset) {
    if (!reader.durable) return;
    if (reader.named && core_.transient->holds(reader.queue, model::QueueOffset(offset))) return;
    reader.returned.push_back(offset);
    touch(reader);
}

void Readers::note(Reader& reader) {
    StateWriter& notes = core_.notes.writer();
    notes.reader_moved(reader.id, reader.state.cursor());
    std::sort(reader.settled.begin(), reader.settled.end(),
              [](const Range& a, const Range& b) { return a.begin < b.begin; });
    for (std::size_t n = 0; n < reader.settled.size();) {
        Range range = reader.settled[n++];
        while (n < reader.settled.size() && reader.settled[n].begin <= range.end)
            range.end = std::max(range.end, reader.settled[n++].end);
        notes.reader_settled(range.begin, range.end);
    }
    if (!reader.named) notes.reader_settled(0, reader.state.settled().floor());
    for (const std::uint64_t offset : reader.returned)
        if (const auto back = reader.state.find_return(offset))
            notes.reader_return(back->offset, back->attempts, wall_of(back->ready_at));
    reader.settled.clear();
    reader.returned.clear();
}

void Readers::note_changes() {
    for (const std::uint32_t id : dirty_) {
        if (!readers_[id] || !readers_[id]->dirty) continue;
        readers_[id]->dirty = false;
        note(*readers_[id]);
    }
    dirty_.clear();
    core_.notes.writer().flush();
}

void Readers::note_all(StateWriter& notes) const {
    for (const auto& reader : readers_) {
        if (!reader || !reader->durable) continue;
        notes.reader_opened(reader->id, reader->queue.value(), reader->name);
        notes.reader_moved(reader->id, reader->state.cursor());
        notes.reader_settled(0, reader->state.settled().floor());
        reader->state.settled().each_range(
            [&](std::uint64_t begin, std::uint64_t end) { notes.reader_settled(begin, end); });
        reader->state.each_return([&](const ReaderState::Return& back) {
            if (back.attempts > 1 || back.ready_at != ReaderState::at_once)
                notes.reader_return(back.offset, back.attempts, wall_of(back.ready_at));
        });
    }
}

// --- recovery ----------------------------------------------------------------------------------------------

bool Readers::restore(Restored restored) {
    Reader& reader = add(restored.id, restored.name, restored.queue);
    reader.state = std::move(restored.state);
    if (reader.named) mark_gaps(reader);
    const store::Range range = core_.log_of(restored.queue).range(restored.queue);
    const bool cut = reader.state.restored(range.end.value());
    reader.state.forget_below(range.begin.value());
    if (reader.named) {
        const SettledSet& settled = reader.state.settled();
        for (std::uint64_t n = range.begin.value(); n < settled.floor(); ++n)
            core_.queue->release(reader.queue, model::QueueOffset(n));
        settled.each_range([&](std::uint64_t begin, std::uint64_t end) {
            for (; begin < end; ++begin)
                core_.queue->release(reader.queue, model::QueueOffset(begin));
        });
    }
    reader.state.each_return([&](const ReaderState::Return& back) {
        if (back.ready_at != ReaderState::at_once) deadlines_.add({back.ready_at, back.offset, reader.id});
    });
    return cut;
}

}  // namespace posthorn::broker
