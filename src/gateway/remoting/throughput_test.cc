#include "throughput.h"

#include <gtest/gtest.h>

namespace posthorn::gateway::remoting {
namespace {

using Totals = Traffic::Totals;
constexpr std::int64_t kHour = 3'600'000;

TEST(Throughput, TellsTheRateOfTenSecondsAMinuteAndTenMinutes) {
    Throughput throughput(0, 0);
    Totals totals;
    EXPECT_DOUBLE_EQ(throughput.rate(&Totals::messages_in, 10), 0);
    for (std::int64_t second = 1; second <= 700; ++second) {
        totals.messages_in += second > 690 ? 30 : second > 640 ? 20 : 10;
        throughput.sample(totals, second * 1'000, second * 1'000);
    }
    EXPECT_DOUBLE_EQ(throughput.rate(&Totals::messages_in, 10), 30);
    EXPECT_DOUBLE_EQ(throughput.rate(&Totals::messages_in, 60), (300.0 + 50 * 20) / 60);
    EXPECT_DOUBLE_EQ(throughput.rate(&Totals::messages_in, 600), (300.0 + 50 * 20 + 540 * 10) / 600);
}

TEST(Throughput, KeepsOneSampleASecondHoweverOftenItIsAsked) {
    Throughput throughput(0, 0);
    Totals totals;
    for (std::int64_t ms = 100; ms <= 20'000; ms += 100) {
        totals.messages_in += 1;
        throughput.sample(totals, ms, ms);
    }
    EXPECT_DOUBLE_EQ(throughput.rate(&Totals::messages_in, 10), 10);
}

TEST(Throughput, NotesTheTotalsAtEveryLocalMidnight) {
    const std::int64_t begin = 1'700'000'000'000;
    Throughput throughput(0, begin);
    Totals totals;
    for (std::int64_t hour = 1; hour <= 24; ++hour) {
        totals.messages_in = static_cast<std::uint64_t>(hour);
        throughput.sample(totals, hour * kHour, begin + hour * kHour);
    }
    const std::uint64_t first = throughput.this_morning().messages_in;
    EXPECT_GE(first, 1u);
    EXPECT_LE(first, 24u);
    EXPECT_EQ(throughput.yesterday_morning().messages_in, 0u);
    for (std::int64_t hour = 25; hour <= 48; ++hour) {
        totals.messages_in = static_cast<std::uint64_t>(hour);
        throughput.sample(totals, hour * kHour, begin + hour * kHour);
    }
    EXPECT_EQ(throughput.yesterday_morning().messages_in, first);
    EXPECT_EQ(throughput.this_morning().messages_in, first + 24);
}

}  // namespace
}  // namespace posthorn::gateway::remoting
