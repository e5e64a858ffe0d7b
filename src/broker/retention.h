#pragma once

#include <cstdint>

#include "core.h"

namespace posthorn::broker {

/// What goes when: old segments of the stream log by age, size and the disk's fill; dead segments of the
/// queue log; and the guard that refuses messages while the disk is nearly full. Looks every few seconds.
///
/// Age is told by the wall clock, which a wrong time server moves at will. So of what is too old one segment
/// goes per look, and none for an hour after the clock went forward by more than time passed.
class Retention {
  public:
    explicit Retention(Core& core) : core_(core) {}

    /// Once per tick; does something only when its time has come or an append met a full disk.
    void look();
    /// The next tick drops what is older than retention, whatever the hour.
    void drop_expired() { asked_ = true, next_look_ms_ = core_.now.steady_ms; }
    std::int64_t next_look_ms() const;
    double disk_used_ratio() const { return used_ratio_; }

  private:
    static void tidy(store::Log& log);
    void measure();
    void drop_old();
    bool too_old(const store::SegmentInfo& segment) const;
    bool age_hour() const;
    void watch_clock();
    void guard();

    Core& core_;
    double used_ratio_ = 0;
    std::int64_t next_look_ms_ = 0;
    std::int64_t looked_ms_ = 0;
    bool nearly_full_ = false;  ///< beyond the refuse mark
    bool asked_ = false;
    std::int64_t looked_wall_ms_ = 0;   ///< at `looked_ms_`; 0 before the first look
    std::int64_t no_age_until_ms_ = 0;  ///< steady: till then nothing goes by age
    bool times_ahead_ = false;          ///< the newest message is younger than now
};

}  // namespace posthorn::broker
