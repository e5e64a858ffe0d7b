#include "rates.h"

#include <gtest/gtest.h>

#include <vector>

namespace posthorn::management {
namespace {

double rate(Rates& rates, std::uint64_t value, std::int64_t now_ms) {
    return rates.look("thing", std::vector<std::uint64_t>{value}, now_ms)[0];
}

TEST(Rates, AreTheGrowthBetweenTheLastTwoNotes) {
    Rates rates;
    EXPECT_EQ(rate(rates, 100, 0), 0.0);
    EXPECT_EQ(rate(rates, 150, 5'000), 10.0);
    EXPECT_EQ(rate(rates, 900, 7'000), 10.0) << "noted too early";
    EXPECT_EQ(rate(rates, 150, 10'000), 0.0);
}

TEST(Rates, OfASecondThingOfTheSameNameAreNotNegative) {
    Rates rates;
    rate(rates, 100, 0);
    EXPECT_EQ(rate(rates, 5, 5'000), 0.0);
}

TEST(Rates, ForgetWhatNobodyLooksAtAndTakeNoMoreThingsThanTheyMay) {
    Rates rates;
    for (std::size_t i = 0; i < Rates::things_max + 10; ++i)
        rates.look(std::to_string(i), {}, 0);
    EXPECT_EQ(rates.size(), Rates::things_max);
    rates.forget_unseen(30'000);
    EXPECT_EQ(rates.size(), Rates::things_max);
    rates.forget_unseen(61'000);
    EXPECT_EQ(rates.size(), 0u);
}

TEST(Rates, KeepSamplesFromTheFirstTimeSomebodyAsks) {
    Rates rates;
    const Rates::Span span{20'000, 5'000};
    rate(rates, 1, 0);
    EXPECT_EQ(rates.samples("thing", span, 0).size(), 1u);
    rate(rates, 2, 5'000);
    rate(rates, 4, 10'000);
    const auto points = rates.samples("thing", span, 12'000);
    ASSERT_EQ(points.size(), 3u);
    EXPECT_EQ(points[0].ms, 12'000);
    EXPECT_EQ(points[0].values[0], 4u);
    EXPECT_EQ(points[1].values[0], 2u);
    EXPECT_EQ(points[2].values[0], 1u);
    EXPECT_TRUE(rates.samples("nothing", span, 0).empty());
}

TEST(Rates, KeepSoManyChartsAndForgetThemLater) {
    Rates rates;
    const auto look = [&](std::int64_t now_ms) {
        for (std::size_t i = 0; i <= Rates::charts_max; ++i)
            rates.look(std::to_string(i), {}, now_ms);
    };
    look(0);
    for (std::size_t i = 0; i < Rates::charts_max; ++i)
        EXPECT_EQ(rates.samples(std::to_string(i), {5'000, 5'000}, 0).size(), 1u);
    const std::string last = std::to_string(Rates::charts_max);
    EXPECT_TRUE(rates.samples(last, {5'000, 5'000}, 0).empty());
    look(Rates::chart_ms + 1);
    rates.forget_unseen(Rates::chart_ms + 1);
    EXPECT_FALSE(rates.samples(last, {5'000, 5'000}, Rates::chart_ms + 1).empty());
}

}  // namespace
}  // namespace posthorn::management
