#include "readers.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace posthorn::broker {
namespace {

constexpr std::size_t name_bytes_max = 1024;

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
    taken_ -= reader.state.taken();
    if (reader.durable)
        core_.notes.writer().reader_deleted(reader.id);
    else
        free_.push_back(reader.id);
    readers_[reader.id].reset();
}

Result<void> Readers::remove(ReaderId id) {
    auto reader = find(id);
    if (!reader) return reader.error();
    if ((*reader)->named)
        return Error{Errc::denied,
                     "what this reader settled is the state of its queue: it goes with the queue"};
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
    if (range.empty())
        releases_.forget(queue);
    else
        releases_.add(queue, range.begin.value(), range.end.value(), std::move(settled));
}

const SettledSet* Readers::settled_of_named(model::QueueId queue) const {
    if (queue.value() >= of_queue_.size() || of_queue_[queue.value()] == nobody) return nullptr;
    const Reader& reader = *readers_[of_queue_[queue.value()]];
    return reader.named ? &reader.state.settled() : nullptr;
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
    if (!releases_.empty()) return core_.now.steady_ms;
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

}  // namespace posthorn::broker
