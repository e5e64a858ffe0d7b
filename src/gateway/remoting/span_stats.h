#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace posthorn::gateway::remoting {

/// What a flow of messages has counted since it began.
struct FlowCounts {
    std::uint64_t messages = 0, bytes = 0, requests = 0;
};

/// The spans RocketMQ's tools show figures over (VIEW_BROKER_STATS_DATA, 315).
enum class Span : std::uint8_t { minute, hour, day };
inline constexpr std::array kSpans{Span::minute, Span::hour, Span::day};

struct SpanFigures {
    std::uint64_t sum = 0;
    double per_second = 0;
    double per_request = 0;
};

/// When the samples were taken, as the original takes them: every ten seconds for the last minute, every ten
/// minutes for the last hour, every hour for the last day. One for all flows of a broker. Steady
/// milliseconds.
class SampleTimes {
  public:
    static constexpr std::size_t kSlots = 7 + 7 + 25;  ///< six steps, six steps, 24 steps

    explicit SampleTimes(std::int64_t now_ms);
    /// Is the span's next sample due? Then call `take` and sample every flow.
    bool due(Span span, std::int64_t now_ms) const;
    void take(Span span, std::int64_t now_ms);

    /// The newest sample's number; the first one, when everything was zero, is 0.
    std::uint32_t newest(Span span) const { return newest_[static_cast<std::size_t>(span)]; }
    std::uint32_t oldest(Span span) const;
    std::int64_t at(Span span, std::uint32_t sample) const { return times_[slot(span, sample)]; }

    /// Where a sample of a span lies among all slots.
    static std::size_t slot(Span span, std::uint32_t sample);

  private:
    std::array<std::int64_t, kSlots> times_{};
    std::array<std::uint32_t, kSpans.size()> newest_{};
};

/// The samples of one flow: 950 bytes, whatever it carries.
class SpanSamples {
  public:
    /// `before`: what the flow had counted at the newest samples.
    SpanSamples(const SampleTimes& times, const FlowCounts& before);
    /// Right after `SampleTimes::take` of the span.
    void sample(const SampleTimes& times, Span span, const FlowCounts& now);
    /// Between the oldest and the newest sample of the span: nothing before the span's first step is over.
    SpanFigures figures(const SampleTimes& times, Span span, std::uint64_t FlowCounts::*what) const;
    /// Nothing moved for a whole day.
    bool idle(const SampleTimes& times) const;

  private:
    std::uint32_t oldest(const SampleTimes& times, Span span) const;

    std::array<FlowCounts, SampleTimes::kSlots> counts_{};
    std::array<std::uint32_t, kSpans.size()> began_{};
};

}  // namespace posthorn::gateway::remoting
