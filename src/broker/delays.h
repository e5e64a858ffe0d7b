#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/log_limit.h"
#include "core.h"
#include "far_timers.h"
#include "settled_set.h"
#include "state_records.h"
#include "timers.h"

namespace posthorn::broker {

/// Delayed messages: each lies in the timer queue (queue log) until it is due and is then appended to its
/// real queue with `origin` = 1 + its timer offset. docs/decisions/0011-delayed-messages-fire-once.md says
/// why it appears exactly once whatever crashes.
///
/// In memory are the due times of those that are due before some moment ahead, the *near* ones, exactly
/// ordered. When that moment comes close it is moved on, and the index of the queue log is read again for
/// what is due before the new one. How far ahead it lies follows from how many messages may be near; nothing
/// fires beyond it (docs/decisions/0016-far-timers-are-read-again.md).
class Delays {
  public:
    explicit Delays(Core& core);

    Result<Receipt> add(const Publication& message, std::int64_t due_ms);
    /// Fires what is due, in the order of due time; what is on its way from the disk holds up the rest.
    /// A bounded number per call.
    void fire();
    /// Messages whose new place is safe need not be kept any longer.
    void release_safe();
    void note_changes();
    void note_all(StateWriter& notes) const;
    std::uint64_t waiting() const { return waiting_; }
    std::size_t near() const { return timers_.size(); }  ///< those in memory
    /// Wall ms of the next due message, 0 if one is due and waits for nothing but a tick; max if none.
    std::int64_t next_due_ms() const;
    std::uint64_t floor() const { return settled_.floor(); }
    const SettledSet& settled() const { return settled_; }
    std::uint64_t stream_end_at_open() const { return stream_end_at_open_; }

    // --- recovery ------------------------------------------------------------------------------------------
    struct Fired {
        std::uint64_t timer;
        std::uint64_t position;  ///< in the stream log, or no_position
    };
    /// `settled`: fired for good. `stream_end`: where this opening found the stream log's end.
    void restore(SettledSet settled, std::uint64_t stream_end);
    bool is_settled(std::uint64_t timer) const { return settled_.contains(timer); }
    /// A record with this origin was found and no note about it.
    void restore_fired(const Fired& fired);

  private:
    struct Recent {
        Fired fired;
        store::Position end;  ///< safe once its log is synced to here
    };

    void bring_near();
    void read_near();
    void limit_near();
    /// The entries of the next waiting timers from `at` on, below `end`; `at` goes to the first of them.
    /// False while they are on their way from the disk.
    bool read_entries(std::uint64_t& at, std::uint64_t end, std::span<store::Entry> out, std::size_t* count);
    void collect_due();
    /// True when this one is done with, for whatever reason.
    bool fire_one(std::uint64_t timer);
    bool put_into_queue(std::uint64_t timer, const store::Record& record);
    void give_up(std::uint64_t timer, std::string_view why);
    void fired(std::uint64_t timer, std::uint64_t position, LogId log, store::Position end);
    bool settle(std::uint64_t timer);
    void prefetch(std::size_t from);

    Core& core_;
    Timers timers_;  ///< all that are due before near_end_ms_, and some that are before near_next_ms_
    FarTimers far_;  ///< the others
    std::uint64_t waiting_ = 0;
    std::int64_t near_end_ms_, near_next_ms_;   ///< wall; the same unless something is being read
    std::int64_t near_span_ms_;                 ///< how far from now the next end will lie
    std::uint64_t read_at_ = 0, read_end_ = 0;  ///< timer offsets still to be read for near_next_ms_
    std::uint64_t stretch_end_ = 0;             ///< of the stretch that is being read
    bool read_waits_ = false;                   ///< what is to be read next is on its way from the disk
    std::vector<std::uint64_t> due_;            ///< taken out of the timers, in order; done up to due_done_
    std::size_t due_done_ = 0;
    std::int64_t collected_ms_;  ///< the latest time up to which they were taken out
    LogLimit unreadable_lines_;
    bool held_up_ = false;  ///< the first due one is on its way from the disk, or found no room
    SettledSet settled_;
    std::deque<Recent> recent_[2];  ///< per log of the new record: fired, and that not yet durable
    std::vector<Fired> unsaved_;
    std::uint64_t stream_end_at_open_ = 0;
    Buffer copy_;
};

}  // namespace posthorn::broker
