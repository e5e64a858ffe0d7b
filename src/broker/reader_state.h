#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "offset_table.h"
#include "settled_set.h"

namespace posthorn::broker {

/// What one reader knows of its queue, offset by offset. An offset below the cursor is settled, in flight,
/// returned (ready again), or delayed (returned, but not before its time); at the cursor and beyond nothing
/// was ever taken, though some offsets may be gaps, where the queue holds nothing: they count as settled and
/// are passed over. Knows no message, no log and no clock: times are whatever number the caller counts in.
class ReaderState {
  public:
    /// A returned message that still waits; 0: ready at once.
    static constexpr std::int64_t at_once = 0;

    struct Return {
        std::uint64_t offset;
        std::uint32_t attempts;  ///< how often it was taken
        std::int64_t ready_at;
    };

    // --- the life of a message -----------------------------------------------------------------------------

    /// The next offset to hand out when the queue ends at `end`: the lowest returned one, else the cursor.
    std::optional<std::uint64_t> next(std::uint64_t end);
    /// Hands out what `next` said. `deadline` is the end of the lease, 0 for none. Returns the attempt.
    std::uint32_t take(std::uint64_t offset, std::int64_t deadline);
    /// The attempt that `take` of what `next` said would be.
    std::uint32_t attempt(std::uint64_t offset);
    /// In flight, or delayed.
    bool held(std::uint64_t offset);
    /// Settles what `next` said without handing it out.
    void pass(std::uint64_t offset);
    /// Settles all from the cursor to `end`, which were never taken.
    void pass_to(std::uint64_t end);
    /// False if it is neither in flight nor returned: settled before, or never taken.
    bool settle(std::uint64_t offset);
    /// False if it is not in flight. `ready_at`: when it is ready again, or `at_once`.
    bool give_back(std::uint64_t offset, std::int64_t ready_at);
    /// False if it is not in flight.
    bool extend(std::uint64_t offset, std::int64_t deadline);
    /// A deadline or a `ready_at` has come: back among the ready ones. False if it is stale.
    bool run_out(std::uint64_t offset, std::int64_t deadline);
    /// Whether `run_out` with these would do something.
    bool awaits(std::uint64_t offset, std::int64_t deadline);
    /// What lies below `begin` is gone (retention): counts as settled.
    void forget_below(std::uint64_t begin);

    std::uint64_t cursor() const { return cursor_; }
    const SettledSet& settled() const { return settled_; }
    SettledSet take_settled() { return std::move(settled_); }  ///< the reader ends
    std::uint64_t in_flight() const { return in_flight_; }
    std::uint64_t delayed() const { return delayed_; }
    /// Taken at some time and not settled: as many are remembered one by one, in some 30 bytes each.
    std::uint64_t taken() const { return in_flight_ + returned_ + delayed_; }
    std::uint64_t returned() const { return returned_; }
    /// Between the cursor and `end`.
    std::uint64_t untaken(std::uint64_t end) const {
        return end > cursor_ + gaps_ahead_ ? end - cursor_ - gaps_ahead_ : 0;
    }
    std::uint64_t ready(std::uint64_t end) const { return returned_ + untaken(end); }
    /// How this offset would be noted, if it was taken and is not settled.
    std::optional<Return> find_return(std::uint64_t offset);
    /// Taken before and not settled, in no order.
    void each_return(const std::function<void(const Return&)>& visit);

    // --- coming back after a restart: any number of the first four, then `restored`
    // -------------------------

    void restore_gap(std::uint64_t begin, std::uint64_t end) { settled_.add_range(begin, end); }
    void restore_settled(std::uint64_t begin, std::uint64_t end);
    void restore_cursor(std::uint64_t cursor);
    void restore_return(const Return& note);
    /// The queue's recovered end; nothing may point past it. Everything below the cursor and not settled is
    /// returned, and counts as taken at least once. True if something had to be cut.
    bool restored(std::uint64_t end);

  private:
    enum class Where : std::uint8_t { in_flight, returned, delayed };
    struct Entry {
        std::uint64_t offset;
        std::int64_t deadline;
        std::uint32_t attempts;
        Where where;
    };

    void push_returned(Entry& entry);
    void count_gaps();

    SettledSet settled_;
    std::uint64_t cursor_ = 0;
    std::uint64_t gaps_ahead_ = 0;            ///< settled offsets at the cursor and beyond
    OffsetTable<Entry> taken_;                ///< below the cursor and not settled
    std::vector<std::uint64_t> ready_again_;  ///< min-heap; may hold offsets that are no longer returned
    std::uint64_t in_flight_ = 0, returned_ = 0, delayed_ = 0;
};

}  // namespace posthorn::broker
