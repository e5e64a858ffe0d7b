#include "span_stats.h"

#include <gtest/gtest.h>

namespace posthorn::gateway::remoting {
namespace {

constexpr std::int64_t kBegin = 1'000;

/// A flow that is sampled whenever a sample is due, as the gateway does it.
struct Sampled {
    SampleTimes times{kBegin};
    SpanSamples samples{times, {}};
    FlowCounts counts;
    std::int64_t now = kBegin;

    void pass(std::int64_t ms) {
        now += ms;
        for (const Span span : kSpans) {
            if (!times.due(span, now)) continue;
            times.take(span, now);
            samples.sample(times, span, counts);
        }
    }
    void count(std::uint64_t messages) { counts.messages += messages, ++counts.requests; }
    SpanFigures messages(Span span) const { return samples.figures(times, span, &FlowCounts::messages); }
};

TEST(SpanStats, ShowNothingBeforeTheFirstStepIsOver) {
    Sampled flow;
    flow.count(5);
    flow.pass(9'999);
    EXPECT_EQ(flow.messages(Span::minute).sum, 0u);
    flow.pass(1);
    EXPECT_EQ(flow.messages(Span::minute).sum, 5u);
    EXPECT_DOUBLE_EQ(flow.messages(Span::minute).per_second, 0.5);
    EXPECT_DOUBLE_EQ(flow.messages(Span::minute).per_request, 5);
    EXPECT_EQ(flow.messages(Span::hour).sum, 0u);
}

TEST(SpanStats, LookBackOneMinuteOneHourAndOneDay) {
    Sampled flow;
    for (int step = 0; step < 25 * 360; ++step) {  // 25 hours of ten messages every ten seconds
        flow.count(10);
        flow.pass(10'000);
    }
    EXPECT_EQ(flow.messages(Span::minute).sum, 60u);
    EXPECT_EQ(flow.messages(Span::hour).sum, 3'600u);
    EXPECT_EQ(flow.messages(Span::day).sum, 86'400u);
    for (const Span span : kSpans) {
        EXPECT_DOUBLE_EQ(flow.messages(span).per_second, 1);
        EXPECT_DOUBLE_EQ(flow.messages(span).per_request, 10);
    }
}

TEST(SpanStats, DivideByTheTimeThatReallyPassed) {
    Sampled flow;
    flow.count(100);
    flow.pass(40'000);  // somebody was late
    EXPECT_DOUBLE_EQ(flow.messages(Span::minute).per_second, 2.5);
}

TEST(SpanStats, AreIdleOnlyAfterADayWithoutAnything) {
    Sampled flow;
    flow.count(1);
    for (int hour = 0; hour < 24; ++hour)
        flow.pass(3'600'000);
    EXPECT_FALSE(flow.samples.idle(flow.times));
    flow.pass(3'600'000);
    EXPECT_TRUE(flow.samples.idle(flow.times));
}

TEST(SpanStats, BeginWithWhatWasCountedBefore) {
    Sampled flow;
    flow.counts = {1'000, 0, 10};
    flow.samples = SpanSamples(flow.times, flow.counts);
    flow.count(3);
    flow.pass(10'000);
    EXPECT_EQ(flow.messages(Span::minute).sum, 3u);
}

}  // namespace
}  // namespace posthorn::gateway::remoting
