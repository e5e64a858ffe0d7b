#pragma once

#include <cstdint>
#include <deque>
#include <limits>

namespace posthorn::broker {

/// Delayed messages that are not due soon. The index of the queue log knows when each of them is due, so here
/// stands only the earliest due time of every stretch of neighbouring timer offsets: when it comes near, the
/// stretch is read again. 8 bytes per stretch, which is 20 KB for ten million messages in stretches of 4096.
/// A stretch may be read for nothing, never too late.
class FarTimers {
  public:
    explicit FarTimers(std::uint64_t stretch_offsets) : stretch_offsets_(stretch_offsets) {}

    /// Timers wait in [begin, end), and nobody knows yet until when: all of it has to be read.
    void unknown(std::uint64_t begin, std::uint64_t end);
    void add(std::uint64_t offset, std::int64_t due_ms);
    /// The first offset from `offset` on that may be due before `until_ms`, at most `end`: whole stretches
    /// without one are passed.
    std::uint64_t skip(std::uint64_t offset, std::int64_t until_ms, std::uint64_t end) const;
    std::uint64_t stretch_end(std::uint64_t offset) const {
        return (offset / stretch_offsets_ + 1) * stretch_offsets_;
    }
    /// The stretch is read again: what is known of it is forgotten, and what stays here is added anew.
    void forget(std::uint64_t offset);
    /// Nothing below waits any more.
    void drop_below(std::uint64_t offset);
    bool empty() const { return earliest_.empty(); }  ///< true only if nothing waits here

  private:
    static constexpr std::int64_t nothing = std::numeric_limits<std::int64_t>::max();

    std::int64_t& earliest(std::uint64_t stretch);

    const std::uint64_t stretch_offsets_;
    std::deque<std::int64_t> earliest_;  ///< by stretch, from first_ on
    std::uint64_t first_ = 0;
};

}  // namespace posthorn::broker
