#include "latency_histogram.h"

#include <gtest/gtest.h>

namespace posthorn::cli {
namespace {

TEST(LatencyHistogram, QuantilesAreWithinTwoPercentAboveTheTrueValue) {
    LatencyHistogram histogram;
    for (int value = 1; value <= 100'000; ++value)
        histogram.add(value);
    for (const double share : {0.5, 0.9, 0.99, 0.999}) {
        const double truth = share * 100'000;
        const auto got = static_cast<double>(histogram.quantile(share));
        EXPECT_GE(got, truth);
        EXPECT_LE(got, truth * 1.02);
    }
    EXPECT_EQ(histogram.quantile(1), 100'000);
    EXPECT_EQ(histogram.max(), 100'000);
    EXPECT_DOUBLE_EQ(histogram.mean(), 50'000.5);
}

TEST(LatencyHistogram, ASingleSlowAnswerIsTheMaximumAndNotTheMedian) {
    LatencyHistogram histogram;
    histogram.add(10, 999);
    histogram.add(5'000'000'000);
    EXPECT_EQ(histogram.quantile(0.5), 10);
    EXPECT_EQ(histogram.quantile(0.999), 10);
    EXPECT_EQ(histogram.quantile(0.9999), 5'000'000'000);
}

TEST(LatencyHistogram, EmptyHasNoQuantiles) {
    EXPECT_EQ(LatencyHistogram().quantile(0.5), 0);
    EXPECT_EQ(LatencyHistogram().mean(), 0);
}

TEST(LatencyHistogram, AddingAnotherCountsBoth) {
    LatencyHistogram one;
    one.add(3);
    LatencyHistogram two;
    two.add(9, 2);
    one.add(two);
    EXPECT_EQ(one.count(), 3U);
    EXPECT_EQ(one.quantile(0.3), 3);
    EXPECT_EQ(one.quantile(0.9), 9);
}

}  // namespace
}  // namespace posthorn::cli
