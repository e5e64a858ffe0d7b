#include "rates.h"

#include <algorithm>
#include <cmath>

namespace posthorn::management {
namespace {

constexpr std::int64_t forget_ms = 60'000;
// A note may be a little early: timers and ticks are not exact.
constexpr std::int64_t early_ms = 100;

/// Two digits behind the point say enough.
double rounded(double rate) {
    return std::round(rate * 100) / 100;
}

}  // namespace

Rates::PerSecond Rates::look(std::string_view name, std::span<const std::uint64_t> values,
                             std::int64_t now_ms) {
    auto at = things_.find(name);
    if (at == things_.end()) {
        if (things_.size() >= things_max) return {};
        at = things_.emplace(std::string(name), Thing()).first;
    }
    Thing& thing = at->second;
    if (thing.last_ms < 0 || now_ms - thing.last_ms >= interval_ms - early_ms) {
        thing.before = thing.last;
        thing.before_ms = thing.last_ms;
        std::copy_n(values.begin(), std::min(values.size(), values_max), thing.last.begin());
        thing.last_ms = now_ms;
    }
    PerSecond rates{};
    if (thing.before_ms < 0 || thing.last_ms <= thing.before_ms) return rates;
    const double seconds = static_cast<double>(thing.last_ms - thing.before_ms) / 1000;
    for (std::size_t i = 0; i < rates.size(); ++i)
        // Smaller than before: another thing of the same name.
        if (thing.last[i] > thing.before[i])
            rates[i] = rounded(static_cast<double>(thing.last[i] - thing.before[i]) / seconds);
    return rates;
}

void Rates::forget_unseen(std::int64_t now_ms) {
    std::erase_if(things_, [&](const auto& entry) { return now_ms - entry.second.last_ms > forget_ms; });
}

}  // namespace posthorn::management
