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
        if (thing.chart) {
            auto& notes = thing.chart->notes;
            notes.push_back({now_ms, thing.last});
            while (notes.front().ms < now_ms - chart_ms)
                notes.pop_front();
        }
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

std::vector<Rates::Sample> Rates::samples(std::string_view name, Span span, std::int64_t now_ms) {
    const auto at = things_.find(name);
    if (at == things_.end()) return {};
    Thing& thing = at->second;
    if (!thing.chart) {
        if (charts_ == charts_max) return {};
        ++charts_;
        thing.chart = std::make_unique<Chart>();
        thing.chart->notes.push_back({thing.last_ms, thing.last});
    }
    thing.chart->asked_ms = now_ms;
    std::vector<Sample> points;
    auto note = thing.chart->notes.rbegin();
    for (std::int64_t ms = now_ms; ms >= now_ms - span.age_ms; ms -= span.incr_ms) {
        while (note != thing.chart->notes.rend() && note->ms > ms)
            ++note;
        if (note == thing.chart->notes.rend()) break;
        points.push_back({ms, note->values});
    }
    return points;
}

void Rates::forget_unseen(std::int64_t now_ms) {
    for (auto at = things_.begin(); at != things_.end();) {
        Thing& thing = at->second;
        const bool forgotten = now_ms - thing.last_ms > forget_ms;
        if (thing.chart && (forgotten || now_ms - thing.chart->asked_ms > chart_ms)) {
            thing.chart.reset();
            --charts_;
        }
        at = forgotten ? things_.erase(at) : std::next(at);
    }
}

}  // namespace posthorn::management
