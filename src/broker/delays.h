#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "core.h"
#include "settled_set.h"
#include "state_records.h"
#include "timers.h"

namespace posthorn::broker {

/// Delayed messages: each lies in the timer queue (queue log) until it is due and is then appended to its
/// real queue with `origin` = 1 + its timer offset. docs/decisions/0011-delayed-messages-fire-once.md says
/// why it appears exactly once whatever crashes. Memory: 16 bytes per waiting message.
class Delays {
  public:
    explicit Delays(Core& core) : core_(core) {}

    Result<Receipt> add(const Publication& message, std::int64_t due_ms);
    /// Fires what is due, in the order of due time; what is on its way from the disk holds up the rest.
    /// A bounded number per call.
    void fire();
    /// Messages whose new place is safe need not be kept any longer.
    void release_safe();
    void note_changes();
    void note_all(StateWriter& notes) const;
    std::size_t waiting() const { return timers_.size() + due_.size() - due_done_; }
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
    /// Goes on loading the due times of waiting messages; false while they are on their way from the disk.
    bool load();

  private:
    struct Recent {
        Fired fired;
        store::Position end;  ///< safe once its log is synced to here
    };

    void collect_due();
    /// True when this one is done with, for whatever reason.
    bool fire_one(std::uint64_t timer);
    bool put_into_queue(std::uint64_t timer, const store::Record& record);
    void fired(std::uint64_t timer, std::uint64_t position, LogId log, store::Position end);
    void settle(std::uint64_t timer);
    void prefetch(std::size_t from);

    Core& core_;
    Timers timers_;
    std::vector<std::uint64_t> due_;  ///< taken out of the timers, in order; done up to due_done_
    std::size_t due_done_ = 0;
    bool held_up_ = false;  ///< the first due one is on its way from the disk, or found no room
    SettledSet settled_;
    std::deque<Recent> recent_[2];  ///< per log of the new record: fired, and that not yet durable
    std::vector<Fired> unsaved_;
    std::uint64_t stream_end_at_open_ = 0;
    std::uint64_t load_at_ = 0, load_end_ = 0;  ///< timer offsets whose due time is still to be loaded
    Buffer copy_;
};

}  // namespace posthorn::broker
