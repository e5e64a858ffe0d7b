#include "delays.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/log.h"

namespace posthorn::broker {
namespace {

// One tick fires no more than this: the rest of a burst goes with the next ones, and clients get their turn.
constexpr std::size_t fire_max = 4096;
constexpr std::uint64_t fire_bytes_max = 4u << 20;
// How many of the following are asked for when one has to come from the disk.
constexpr std::size_t prefetch_max = 64;

}  // namespace

Result<Receipt> Delays::add(const Publication& message, std::int64_t due_ms) {
    store::NewRecord record;
    record.format = message.format;
    record.priority = message.priority;
    record.tag = message.tag;
    record.key = message.key;
    record.deadline = due_ms;
    record.target = message.queue;
    record.queues = {&timer_queue, 1};
    record.payload = message.payload;
    auto done = core_.append(LogId::queue, record);
    if (!done) return done.error();
    timers_.add({due_ms, done->appended.offset.value()});
    ++core_.counters.delayed;
    return Receipt{.delayed = true,
                   .in_queue_log = true,
                   .position = done->appended.position,
                   .end = done->appended.end,
                   .offset = done->appended.offset,
                   .store_ms = done->store_ms};
}

// --- firing ------------------------------------------------------------------------------------------------

void Delays::collect_due() {
    due_.erase(due_.begin(), due_.begin() + static_cast<std::ptrdiff_t>(due_done_));
    due_done_ = 0;
    while (due_.size() < fire_max && !timers_.empty() && timers_.first().due_ms <= core_.now.wall_ms) {
        due_.push_back(timers_.first().offset);
        timers_.remove_first();
    }
}

void Delays::fire() {
    held_up_ = false;
    if (core_.queue->failed()) return;  // it could not be noted
    if (!load()) return;                // so that an older message does not come after a younger one
    collect_due();
    const auto appended = [this] { return core_.stream->end().value() + core_.queue->end().value(); };
    const std::uint64_t enough = appended() + fire_bytes_max;
    while (due_done_ < due_.size() && !held_up_ && appended() < enough) {
        if (fire_one(due_[due_done_]))
            ++due_done_;
        else
            held_up_ = true;
    }
    if (held_up_) prefetch(due_done_ + 1);
}

void Delays::prefetch(std::size_t from) {
    for (std::size_t n = from; n < std::min(due_.size(), from + prefetch_max); ++n) {
        std::array<store::Entry, 1> entry;
        std::size_t count = 0;
        store::Record record;
        const auto found = core_.queue->entries(timer_queue, model::QueueOffset(due_[n]), entry, &count);
        if (found == store::Read::ready && count > 0)
            static_cast<void>(core_.queue->record(entry[0], &record));  // asking is all: it starts the load
    }
}

bool Delays::fire_one(std::uint64_t timer) {
    std::array<store::Entry, 1> entry;
    std::size_t count = 0;
    store::Record record;
    store::Read found = core_.queue->entries(timer_queue, model::QueueOffset(timer), entry, &count);
    if (found == store::Read::ready) found = core_.queue->record(entry[0], &record);
    switch (found) {
        case store::Read::ready:
            return put_into_queue(timer, record);
        case store::Read::loading:
            return false;
        case store::Read::none:
        case store::Read::damaged:
            break;
    }
    log_error("broker", "delayed message {} cannot be read ({}) and is given up", timer,
              found == store::Read::none ? "missing" : "damaged");
    fired(timer, no_position, LogId::queue, store::Position());
    return true;
}

bool Delays::put_into_queue(std::uint64_t timer, const store::Record& record) {
    const QueueOwner owner = core_.catalog->owner(record.target);
    if (owner.kind != QueueOwner::Kind::topic && owner.kind != QueueOwner::Kind::named) {
        log_warn("broker", "delayed message {} dropped: its queue {} was deleted", timer,
                 record.target.value());
        fired(timer, no_position, LogId::queue, store::Position());
        return true;
    }
    const LogId log = Core::log_id(owner);
    store::NewRecord fresh;
    fresh.format = record.format;
    fresh.priority = record.priority;
    fresh.tag = record.tag;
    fresh.key = record.key;
    fresh.origin = timer + 1;
    const model::QueueId target = record.target;
    fresh.queues = {&target, 1};
    // A copy: an append to either log may write notes to the queue log, and its views do not survive that.
    copy_.clear();
    copy_.append(record.payload);
    fresh.payload = copy_.view();
    const auto done = core_.append(log, fresh);
    if (!done) return false;  // no room, or read-only: it stays due
    ++core_.counters.fired;
    const bool stream = log == LogId::stream;
    fired(timer, stream ? done->appended.position.value() : no_position, log, done->appended.end);
    return true;
}

void Delays::fired(std::uint64_t timer, std::uint64_t position, LogId log, store::Position end) {
    unsaved_.push_back({timer, position});
    if (end == store::Position())
        settle(timer);
    else
        recent_[static_cast<std::size_t>(log)].push_back({{timer, position}, end});
}

void Delays::settle(std::uint64_t timer) {
    if (settled_.add(timer)) core_.queue->release(timer_queue, model::QueueOffset(timer));
}

void Delays::release_safe() {
    for (const LogId log : {LogId::stream, LogId::queue}) {
        auto& recent = recent_[static_cast<std::size_t>(log)];
        while (!recent.empty() && recent.front().end <= core_.log(log).synced()) {
            settle(recent.front().fired.timer);
            recent.pop_front();
        }
    }
}

std::int64_t Delays::next_due_ms() const {
    if (due_done_ < due_.size() && !held_up_) return 0;
    if (held_up_) return std::numeric_limits<std::int64_t>::max();  // the load, or the next tick, wakes us
    return timers_.empty() ? std::numeric_limits<std::int64_t>::max() : timers_.first().due_ms;
}

// --- notes -------------------------------------------------------------------------------------------------

void Delays::note_changes() {
    for (const Fired& fired : unsaved_)
        core_.notes.writer().fired(fired.timer, fired.position);
    unsaved_.clear();
    core_.notes.writer().flush();
}

void Delays::note_all(StateWriter& notes) const {
    settled_.each_range([&](std::uint64_t begin, std::uint64_t end) { notes.timers_settled(begin, end); });
    for (const auto& recent : recent_)
        for (const Recent& one : recent)
            notes.fired(one.fired.timer, one.fired.position);
}

// --- recovery ----------------------------------------------------------------------------------------------

void Delays::restore(SettledSet settled, std::uint64_t stream_end) {
    settled_ = std::move(settled);
    stream_end_at_open_ = stream_end;
    const store::Range range = core_.queue->range(timer_queue);
    settled_.cut(range.end.value());
    load_at_ = range.begin.value();
    load_end_ = range.end.value();
    // What is settled was not known to the log, which counts messages that live.
    for (std::uint64_t timer = load_at_; timer < settled_.floor(); ++timer)
        core_.queue->release(timer_queue, model::QueueOffset(timer));
    settled_.each_range([&](std::uint64_t begin, std::uint64_t end) {
        for (std::uint64_t timer = std::max(begin, load_at_); timer < end; ++timer)
            core_.queue->release(timer_queue, model::QueueOffset(timer));
    });
    settled_.raise_floor(load_at_);
    load_at_ = settled_.floor();
}

void Delays::restore_fired(const Fired& fired) {
    unsaved_.push_back(fired);
    settle(fired.timer);
}

bool Delays::load() {
    std::array<store::Entry, 256> entries;
    while (load_at_ < load_end_) {
        if (settled_.contains(load_at_)) {
            ++load_at_;
            continue;
        }
        std::size_t count = 0;
        const std::size_t want = std::min<std::uint64_t>(entries.size(), load_end_ - load_at_);
        const auto found = core_.queue->entries(timer_queue, model::QueueOffset(load_at_),
                                                std::span(entries).first(want), &count);
        if (found == store::Read::loading) return false;
        if (found != store::Read::ready || count == 0) {
            // Its segment went, which happens only to settled messages whose note a power cut took.
            if (found == store::Read::damaged)
                log_error("broker", "delayed message {} is damaged and is given up", load_at_);
            settled_.add(load_at_++);
            continue;
        }
        for (std::size_t n = 0; n < count; ++n, ++load_at_)
            if (!settled_.contains(load_at_)) timers_.add({entries[n].deadline, load_at_});
    }
    return true;
}

}  // namespace posthorn::broker
