#include "span_stats.h"

#include <algorithm>

namespace posthorn::gateway::remoting {

namespace {

struct Layout {
    std::uint32_t slots;
    std::uint32_t first;
    std::int64_t step_ms;
};

constexpr std::array<Layout, kSpans.size()> kLayout{{{7, 0, 10'000}, {7, 7, 600'000}, {25, 14, 3'600'000}}};
static_assert(kLayout.back().first + kLayout.back().slots == SampleTimes::kSlots);

const Layout& layout(Span span) {
    return kLayout[static_cast<std::size_t>(span)];
}

}  // namespace

SampleTimes::SampleTimes(std::int64_t now_ms) {
    for (const Span span : kSpans)
        times_[slot(span, 0)] = now_ms;
}

std::size_t SampleTimes::slot(Span span, std::uint32_t sample) {
    return layout(span).first + sample % layout(span).slots;
}

bool SampleTimes::due(Span span, std::int64_t now_ms) const {
    return now_ms - at(span, newest(span)) >= layout(span).step_ms;
}

void SampleTimes::take(Span span, std::int64_t now_ms) {
    times_[slot(span, ++newest_[static_cast<std::size_t>(span)])] = now_ms;
}

std::uint32_t SampleTimes::oldest(Span span) const {
    const std::uint32_t kept = layout(span).slots - 1;
    return newest(span) > kept ? newest(span) - kept : 0;
}

SpanSamples::SpanSamples(const SampleTimes& times, const FlowCounts& before) {
    for (const Span span : kSpans) {
        began_[static_cast<std::size_t>(span)] = times.newest(span);
        sample(times, span, before);
    }
}

void SpanSamples::sample(const SampleTimes& times, Span span, const FlowCounts& now) {
    counts_[SampleTimes::slot(span, times.newest(span))] = now;
}

std::uint32_t SpanSamples::oldest(const SampleTimes& times, Span span) const {
    return std::max(times.oldest(span), began_[static_cast<std::size_t>(span)]);
}

SpanFigures SpanSamples::figures(const SampleTimes& times, Span span, std::uint64_t FlowCounts::*what) const {
    const std::uint32_t from = oldest(times, span), to = times.newest(span);
    const std::int64_t ms = times.at(span, to) - times.at(span, from);
    if (from == to || ms <= 0) return {};
    const FlowCounts& before = counts_[SampleTimes::slot(span, from)];
    const FlowCounts& after = counts_[SampleTimes::slot(span, to)];
    const std::uint64_t sum = after.*what - before.*what;
    const std::uint64_t requests = after.requests - before.requests;
    return {sum, static_cast<double>(sum) * 1000 / static_cast<double>(ms),
            requests == 0 ? 0 : static_cast<double>(sum) / static_cast<double>(requests)};
}

bool SpanSamples::idle(const SampleTimes& times) const {
    const std::uint32_t kept = layout(Span::day).slots - 1;
    return times.newest(Span::day) - began_[static_cast<std::size_t>(Span::day)] >= kept &&
           figures(times, Span::day, &FlowCounts::requests).sum == 0;
}

}  // namespace posthorn::gateway::remoting
