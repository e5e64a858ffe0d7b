#include "base/log_limit.h"

#include <gtest/gtest.h>

namespace posthorn {
namespace {

constexpr std::int64_t second = 1'000'000'000;

TEST(LogLimit, LetsOneLineASecondThroughAndCountsTheOthers) {
    LogLimit limit;
    EXPECT_TRUE(limit.allows(7));
    EXPECT_EQ(limit.left_out(), 0u);
    for (int n = 0; n < 1'000; ++n)
        EXPECT_FALSE(limit.allows(8 + n));
    EXPECT_TRUE(limit.allows(7 + second));
    EXPECT_EQ(limit.left_out(), 1'000u);
    EXPECT_TRUE(limit.allows(7 + 2 * second));
    EXPECT_EQ(limit.left_out(), 0u);
}

TEST(LogLimit, LetsTheFirstLineThroughWhateverTheClockSays) {
    LogLimit limit;
    EXPECT_TRUE(limit.allows(0));
    EXPECT_FALSE(limit.allows(0));
}

}  // namespace
}  // namespace posthorn
