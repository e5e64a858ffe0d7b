#pragma once

#include <array>
#include <cstdint>
#include <limits>

namespace posthorn::env {

/// xoshiro256**: small, fast, the same numbers on every machine for the same seed. Fits <random> and
/// std::shuffle, but those differ between libraries: what must replay uses the members below. Not for
/// secrets.
class Random {
  public:
    using result_type = std::uint64_t;

    explicit Random(std::uint64_t seed);

    static constexpr result_type min() { return 0; }
    static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
    result_type operator()();

    /// Uniform in [0, bound); zero for a bound of zero.
    std::uint64_t below(std::uint64_t bound);
    /// Uniform in [low, high], both included.
    std::uint64_t between(std::uint64_t low, std::uint64_t high);
    bool chance(double probability);
    /// A generator of its own, so that one consumer's draws do not shift another's.
    Random fork() { return Random((*this)()); }

  private:
    std::array<std::uint64_t, 4> state_;
};

/// A seed from the operating system; print it wherever a run should be repeatable.
std::uint64_t system_seed();

}  // namespace posthorn::env
