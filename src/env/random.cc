#include "env/random.h"

#include <bit>
#include <random>

namespace posthorn::env {

namespace {

/// splitmix64: spreads one number over the whole state, so that neighbouring seeds have nothing in common.
std::uint64_t spread(std::uint64_t& seed) {
    std::uint64_t z = seed += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

}  // namespace

Random::Random(std::uint64_t seed) {
    for (auto& word : state_)
        word = spread(seed);
}

Random::result_type Random::operator()() {
    const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const std::uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

std::uint64_t Random::below(std::uint64_t bound) {
    if (bound == 0) return 0;
    // Numbers under `uneven` would make the small results a little likelier.
    const std::uint64_t uneven = (0 - bound) % bound;
    std::uint64_t draw = (*this)();
    while (draw < uneven)
        draw = (*this)();
    return draw % bound;
}

std::uint64_t Random::between(std::uint64_t low, std::uint64_t high) {
    const std::uint64_t count = high - low + 1;
    return count == 0 ? (*this)() : low + below(count);
}

bool Random::chance(double probability) {
    // No draw for "never", so that a fault that is switched off leaves the rest of a run as it was.
    if (probability <= 0) return false;
    constexpr double unit = 1.0 / (std::uint64_t{1} << 53);
    return static_cast<double>((*this)() >> 11) * unit < probability;
}

std::uint64_t system_seed() {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
}

}  // namespace posthorn::env
