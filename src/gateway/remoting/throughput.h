#pragma once

#include <array>
#include <cstdint>

#include "traffic.h"

namespace posthorn::gateway::remoting {

/// How much went through the whole broker: second by second for the last ten minutes, and at the last two
/// local midnights. As in the original it begins with the process.
class Throughput {
  public:
    using Totals = Traffic::Totals;

    Throughput(std::int64_t steady_ms, std::int64_t wall_ms);

    /// Call a few times a second; keeps one sample of each.
    void sample(const Totals& now, std::int64_t steady_ms, std::int64_t wall_ms);
    /// Per second over the last `seconds` (at most 600), as far back as the process began.
    double rate(std::uint64_t Totals::*what, std::uint32_t seconds) const;
    /// What had been counted when today began, and when yesterday did.
    const Totals& this_morning() const { return this_morning_; }
    const Totals& yesterday_morning() const { return yesterday_morning_; }

  private:
    static constexpr std::int64_t kStepMs = 1'000;
    static constexpr std::uint32_t kSlots = 601;
    struct Sample {
        std::int64_t at_ms = 0;
        Totals totals;
    };

    std::array<Sample, kSlots> samples_{};
    std::uint32_t newest_ = 0;
    Totals this_morning_, yesterday_morning_;
    std::int64_t next_morning_ms_;
};

}  // namespace posthorn::gateway::remoting
