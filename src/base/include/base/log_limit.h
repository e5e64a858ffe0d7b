#pragma once

#include <cstdint>

namespace posthorn {

/// One line a second of what a stranger can cause as often as he likes. The caller asks before it logs, names
/// the number of lines left out in the next one, and keeps one limit per reason. One thread.
class LogLimit {
  public:
    /// Whether this line may be logged. `left_out()` then says how many before it were not.
    bool allows(std::int64_t steady_ns) {
        if (begun_ && steady_ns - last_ns_ < interval_ns) {
            ++waiting_;
            return false;
        }
        begun_ = true;
        last_ns_ = steady_ns;
        left_out_ = waiting_;
        waiting_ = 0;
        return true;
    }

    std::uint64_t left_out() const { return left_out_; }

  private:
    static constexpr std::int64_t interval_ns = 1'000'000'000;

    bool begun_ = false;
    std::int64_t last_ns_ = 0;
    std::uint64_t waiting_ = 0;
    std::uint64_t left_out_ = 0;
};

}  // namespace posthorn
