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
// What is near: at least two minutes, read a minute ahead, which is time for gigabytes of index; at most a
// day when there is room, so that much is not read often.
constexpr std::int64_t near_least_ms = 120'000, near_most_ms = 24 * 3'600'000, read_ahead_ms = 60'000;
// So many due times are read in one tick.
constexpr std::uint64_t read_max = 8192;
// A stretch of far timers is read as a whole: a small share of what may be near.
constexpr std::uint64_t stretches_near = 64;
constexpr std::int64_t retry_ms = 500;  // for what could not be read
// When one has to come from the disk, so many of the following are asked for as well; each is a unit of the
// index and a stretch of the log. All of them together are a quarter of the memory for older bytes: more
// would drive out the first before it is used.
constexpr std::size_t prefetch_max = 64;
constexpr std::uint64_t prefetch_bytes = 288 * 1024;

constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t before_all = -(std::int64_t{1} << 60);

}  // namespace

Delays::Delays(Core& core)
    : core_(core),
      far_(std::clamp<std::uint64_t>(core.options.near_timers / stretches_near, 1, 4096)),
      near_end_ms_(before_all),
      near_next_ms_(before_all),
      near_span_ms_(near_least_ms),
      collected_ms_(before_all) {}

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
    const std::uint64_t timer = done->appended.offset.value();
    if (due_ms < near_next_ms_)
        timers_.add({due_ms, timer});
    else
        far_.add(timer, due_ms);
    ++waiting_;
    ++core_.counters.delayed;
    return Receipt{.delayed = true,
                   .in_queue_log = true,
                   .position = done->appended.position,
                   .end = done->appended.end,
                   .offset = done->appended.offset,
                   .store_ms = done->store_ms};
}

// --- what comes near ---------------------------------------------------------------------------------------

/// Moves the end of what is near on, when it is close: over some ticks, if there is much to read.
void Delays::bring_near() {
    if (read_at_ == read_end_) {
        if (core_.now.wall_ms + read_ahead_ms < near_end_ms_) return;
        near_next_ms_ = core_.now.wall_ms + near_span_ms_;
        far_.drop_below(settled_.floor());
        read_at_ = stretch_end_ = settled_.floor();
        read_end_ = core_.queue->range(timer_queue).end.value();
    }
    read_near();
    if (read_at_ < read_end_) return;
    near_end_ms_ = near_next_ms_;
    if (timers_.size() < core_.options.near_timers / 4)
        near_span_ms_ = std::min(near_span_ms_ * 2, near_most_ms);
}

/// What came after the reading began has its place already: it lies behind `read_end_`.
void Delays::read_near() {
    std::array<store::Entry, 256> entries;
    read_waits_ = false;
    for (std::uint64_t budget = read_max; read_at_ < read_end_ && budget > 0;) {
        if (read_at_ >= stretch_end_) {
            read_at_ = far_.skip(read_at_, near_next_ms_, read_end_);
            if (read_at_ == read_end_) return;
            stretch_end_ = far_.stretch_end(read_at_);
            // The last one goes on beyond what is read: of what follows there only this is known.
            if (stretch_end_ <= read_end_) far_.forget(read_at_);
        }
        const std::uint64_t before = read_at_;
        std::size_t count = 0;
        read_waits_ = !read_entries(read_at_, std::min(stretch_end_, read_end_), entries, &count);
        if (read_waits_) return;
        for (std::size_t n = 0; n < count; ++n, ++read_at_) {
            const std::int64_t due_ms = entries[n].deadline;
            if (due_ms < near_end_ms_ || settled_.contains(read_at_)) continue;  // in memory, or done with
            if (due_ms < near_next_ms_)
                timers_.add({due_ms, read_at_});
            else
                far_.add(read_at_, due_ms);
        }
        budget -= std::min(budget, read_at_ - before);
    }
}

bool Delays::read_entries(std::uint64_t& at, std::uint64_t end, std::span<store::Entry> out,
                          std::size_t* count) {
    for (; at < end; ++at) {
        if (settled_.contains(at)) continue;
        const auto want = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), end - at));
        const auto found = core_.queue->entries(timer_queue, model::QueueOffset(at), out.first(want), count);
        if (store::not_now(found)) return false;
        if (found == store::Read::ready && *count > 0) return true;
        if (found == store::Read::damaged) {
            far_.add(at, before_all);  // it is looked for again with what comes near next
            if (unreadable_lines_.allows(core_.now.steady_ms * 1'000'000))
                log_error("broker", "nobody can say when delayed message {} is due (nor {} before)", at,
                          unreadable_lines_.left_out());
            continue;
        }
        // Its segment went, which happens only to settled messages whose note a power cut took.
        settled_.add(at);
        --waiting_;
    }
    *count = 0;
    return true;
}

/// Too many are near: the end comes closer by half, and what is due after it is far again.
void Delays::limit_near() {
    if (timers_.size() <= core_.options.near_timers) return;
    const std::int64_t now_ms = core_.now.wall_ms;
    std::int64_t end_ms = std::max(now_ms + near_least_ms, now_ms + (near_next_ms_ - now_ms) / 2);
    // What was taken out and is not settled must not be found when it is read again.
    if (due_done_ < due_.size() || !recent_[0].empty() || !recent_[1].empty())
        end_ms = std::max(end_ms, collected_ms_ + 1);
    if (end_ms >= near_next_ms_) return;
    timers_.remove_from(end_ms, [&](const Timers::Timer& timer) { far_.add(timer.offset, timer.due_ms); });
    near_next_ms_ = end_ms;
    near_end_ms_ = std::min(near_end_ms_, end_ms);
    near_span_ms_ = std::max(near_least_ms, end_ms - now_ms);
}

// --- firing ------------------------------------------------------------------------------------------------

void Delays::collect_due() {
    due_.erase(due_.begin(), due_.begin() + static_cast<std::ptrdiff_t>(due_done_));
    due_done_ = 0;
    // Beyond what is near nobody knows the order.
    const std::int64_t until_ms = std::min(core_.now.wall_ms, near_end_ms_ - 1);
    while (due_.size() < fire_max && !timers_.empty() && timers_.first().due_ms <= until_ms) {
        due_.push_back(timers_.first().offset);
        collected_ms_ = std::max(collected_ms_, timers_.first().due_ms);
        timers_.remove_first();
    }
}

void Delays::fire() {
    held_up_ = false;
    if (core_.queue->failed()) return;  // it could not be noted
    bring_near();
    limit_near();
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
    const auto fit = static_cast<std::size_t>(core_.options.cold_bytes / 4 / prefetch_bytes);
    const std::size_t end = std::min(due_.size(), from + std::min(prefetch_max, fit));
    for (std::size_t n = from; n < end; ++n) {
        std::array<store::Entry, 1> entry;
        std::size_t count = 0;
        store::Record record;
        const auto found = core_.queue->entries(timer_queue, model::QueueOffset(due_[n]), entry, &count);
        if (found == store::Read::ready && count > 0)
            static_cast<void>(core_.queue->record(entry[0], &record));  // asking is all: it starts the load
    }
}

bool Delays::fire_one(std::uint64_t timer) {
    if (settled_.contains(timer)) return true;  // given up
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
        case store::Read::failed:  // the others need not wait for it
            timers_.add({core_.now.wall_ms + retry_ms, timer});
            return true;
        case store::Read::none:
        case store::Read::damaged:
            break;
    }
    give_up(timer, found == store::Read::none ? "it is missing" : "it is damaged");
    return true;
}

/// It can never go where it belongs, and the others must not wait for it.
void Delays::give_up(std::uint64_t timer, std::string_view why) {
    ++core_.counters.timers_given_up;
    log_error("broker", "delayed message {} is given up: {}", timer, why);
    fired(timer, no_position, LogId::queue, store::Position());
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
    if (!done && done.error().code == Errc::invalid) {
        give_up(timer, done.error().message);
        return true;
    }
    if (!done) return false;  // no room, or read-only: it stays due
    ++core_.counters.fired;
    const bool stream = log == LogId::stream;
    fired(timer, stream ? done->appended.position.value() : no_position, log, done->appended.end);
    return true;
}

void Delays::fired(std::uint64_t timer, std::uint64_t position, LogId log, store::Position end) {
    unsaved_.push_back({timer, position});
    --waiting_;
    if (end == store::Position())
        settle(timer);
    else
        recent_[static_cast<std::size_t>(log)].push_back({{timer, position}, end});
}

bool Delays::settle(std::uint64_t timer) {
    if (!settled_.add(timer)) return false;
    core_.queue->release(timer_queue, model::QueueOffset(timer));
    return true;
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
    if (held_up_) return never;  // the load, or the next tick, wakes us
    if (read_at_ < read_end_ && !read_waits_) return 0;
    std::int64_t next = never;
    if (!timers_.empty() && timers_.first().due_ms < near_end_ms_) next = timers_.first().due_ms;
    if (read_at_ == read_end_ && !far_.empty()) next = std::min(next, near_end_ms_ - read_ahead_ms);
    return next;
}

// --- notes -------------------------------------------------------------------------------------------------

void Delays::note_changes() {
    for (const Fired& fired : unsaved_)
        core_.notes.writer().fired(fired.timer, fired.position);
    unsaved_.clear();
    core_.notes.writer().flush();
}

void Delays::note_all(StateWriter& notes) const {
    settled_.each_piece(
        [&](std::uint64_t begin, std::uint64_t end) { notes.timers_settled(begin, end); },
        [&](std::uint64_t begin, std::span<const std::uint64_t> bits) { notes.timer_bits(begin, bits); });
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
    const std::uint64_t begin = range.begin.value(), end = range.end.value();
    // What is settled was not known to the log, which counts messages that live.
    const auto release = [&](std::uint64_t from, std::uint64_t to) {
        for (std::uint64_t timer = std::max(from, begin); timer < to; ++timer)
            core_.queue->release(timer_queue, model::QueueOffset(timer));
    };
    release(begin, settled_.floor());
    settled_.each_range(release);
    settled_.raise_floor(begin);
    waiting_ = end - settled_.floor();
    settled_.each_range([&](std::uint64_t from, std::uint64_t to) { waiting_ -= to - from; });
    far_.unknown(settled_.floor(), end);
}

void Delays::restore_fired(const Fired& fired) {
    unsaved_.push_back(fired);
    if (settle(fired.timer)) --waiting_;
}

}  // namespace posthorn::broker
