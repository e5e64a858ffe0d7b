#include "env/random.h"

#include <gtest/gtest.h>

#include <array>

namespace posthorn::env {
namespace {

TEST(Random, TheSameSeedGivesTheSameNumbersEverywhere) {
    // First outputs of xoshiro256** whose state comes from splitmix64 of zero.
    Random random(0);
    EXPECT_EQ(random(), 0x99EC5F36CB75F2B4u);
    EXPECT_EQ(random(), 0xBF6E1F784956452Au);
}

TEST(Random, BelowIsEvenAndInRange) {
    Random random(1);
    std::array<int, 7> count{};
    for (int i = 0; i < 70'000; ++i)
        ++count[random.below(7)];
    for (const int n : count)
        EXPECT_NEAR(n, 10'000, 500);
    EXPECT_EQ(random.below(0), 0u);
    EXPECT_EQ(random.below(1), 0u);
}

TEST(Random, BetweenIncludesBothEnds) {
    Random random(2);
    bool low = false, high = false;
    for (int i = 0; i < 1'000; ++i) {
        const auto n = random.between(3, 5);
        ASSERT_TRUE(n >= 3 && n <= 5);
        low |= n == 3, high |= n == 5;
    }
    EXPECT_TRUE(low && high);
    random.between(0, ~std::uint64_t{0});
}

TEST(Random, ChanceZeroDrawsNothing) {
    Random a(3), b(3);
    EXPECT_FALSE(a.chance(0));
    EXPECT_EQ(a(), b());
    EXPECT_TRUE(a.chance(1));
}

}  // namespace
}  // namespace posthorn::env
