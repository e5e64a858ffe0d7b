#include "latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace posthorn::cli {
namespace {

constexpr unsigned kBits = 6;

std::size_t slot_of(std::uint64_t value) {
    if (value < (1U << kBits)) return value;
    const auto power = static_cast<unsigned>(std::bit_width(value)) - 1 - kBits;
    return (std::size_t{power} + 1) * (1U << kBits) + ((value >> power) - (1U << kBits));
}

std::uint64_t largest_in(std::size_t slot) {
    if (slot < (1U << kBits)) return slot;
    const std::size_t power = slot / (1U << kBits) - 1;
    const std::uint64_t step = slot % (1U << kBits) + (1U << kBits);
    return ((step + 1) << power) - 1;
}

}  // namespace

void LatencyHistogram::add(std::int64_t nanoseconds, std::uint64_t times) {
    const std::int64_t value = std::max<std::int64_t>(nanoseconds, 0);
    slots_[slot_of(static_cast<std::uint64_t>(value))] += times;
    count_ += times;
    max_ = std::max(max_, value);
    sum_ += static_cast<double>(value) * static_cast<double>(times);
}

void LatencyHistogram::add(const LatencyHistogram& other) {
    for (std::size_t slot = 0; slot < slots_.size(); ++slot)
        slots_[slot] += other.slots_[slot];
    count_ += other.count_;
    max_ = std::max(max_, other.max_);
    sum_ += other.sum_;
}

std::int64_t LatencyHistogram::quantile(double share) const {
    if (count_ == 0) return 0;
    const auto wanted = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_))));
    std::uint64_t seen = 0;
    for (std::size_t slot = 0; slot < slots_.size(); ++slot) {
        seen += slots_[slot];
        if (seen >= wanted) return std::min(static_cast<std::int64_t>(largest_in(slot)), max_);
    }
    return max_;
}

}  // namespace posthorn::cli
