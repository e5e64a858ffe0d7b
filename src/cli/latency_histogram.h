#pragma once

#include <array>
#include <cstdint>

namespace posthorn::cli {

/// Durations in nanoseconds, kept to about 1.6 % (64 steps per power of two), from 1 ns to an hour and more,
/// in fixed memory.
class LatencyHistogram {
  public:
    void add(std::int64_t nanoseconds, std::uint64_t times = 1);
    void add(const LatencyHistogram& other);
    std::uint64_t count() const { return count_; }
    std::int64_t max() const { return max_; }
    double mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }
    /// The smallest recorded value that `share` (0..1) of all do not exceed, rounded up to its step. 0 if
    /// empty.
    std::int64_t quantile(double share) const;

  private:
    static constexpr unsigned kStepBits = 6;
    static constexpr std::size_t kSlots = (64 - kStepBits + 1) << kStepBits;

    std::array<std::uint64_t, kSlots> slots_{};
    std::uint64_t count_ = 0;
    std::int64_t max_ = 0;
    double sum_ = 0;
};

}  // namespace posthorn::cli
