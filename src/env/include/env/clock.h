#pragma once

#include <cstdint>

namespace posthorn::env {

/// The only door to time. The wall clock may jump either way when somebody sets it; the steady clock never
/// goes back and has no meaning outside the process. Any thread may read `SystemClock`.
class Clock {
  public:
    virtual ~Clock() = default;
    /// Milliseconds since 1970-01-01 UTC.
    virtual std::int64_t wall_ms() const = 0;
    /// Nanoseconds since some fixed moment.
    virtual std::int64_t steady_ns() const = 0;
};

class SystemClock final : public Clock {
  public:
    std::int64_t wall_ms() const override;
    std::int64_t steady_ns() const override;
};

/// Moves only when told. One thread.
class SimClock final : public Clock {
  public:
    explicit SimClock(std::int64_t wall_ms = 1'700'000'000'000) : wall_ns_(wall_ms * 1'000'000) {}

    std::int64_t wall_ms() const override { return wall_ns_ / 1'000'000; }
    std::int64_t steady_ns() const override { return steady_ns_; }

    /// Time passes: both clocks move.
    void advance_ns(std::int64_t ns) { wall_ns_ += ns, steady_ns_ += ns; }
    void advance_ms(std::int64_t ms) { advance_ns(ms * 1'000'000); }
    /// Somebody sets the wall clock, back or forth; the steady clock does not notice.
    void set_wall_ms(std::int64_t ms) { wall_ns_ = ms * 1'000'000; }

  private:
    std::int64_t wall_ns_;
    std::int64_t steady_ns_ = 1'000'000'000;
};

}  // namespace posthorn::env
