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

}  // namespace
}  // namespace posthorn::management
