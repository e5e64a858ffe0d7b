#include "far_timers.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace posthorn::broker {
namespace {

TEST(FarTimers, StretchesWithoutATimerBeforeTheTimeArePassed) {
    FarTimers far(1000);
    far.add(1'500, 100);
    far.add(4'100, 50);
    EXPECT_EQ(far.skip(0, 40, 9'000), 9'000u);
    EXPECT_EQ(far.skip(0, 51, 9'000), 4'000u);
    EXPECT_EQ(far.skip(0, 101, 9'000), 1'000u);
    EXPECT_EQ(far.skip(1'501, 101, 9'000), 1'501u);
    EXPECT_EQ(far.skip(2'000, 101, 9'000), 4'000u);
    EXPECT_EQ(far.skip(2'000, 101, 3'000), 3'000u);
}

TEST(FarTimers, AStretchThatWasReadAgainKnowsOnlyWhatWasAddedSince) {
    FarTimers far(1000);
    far.add(1, 10);
    far.add(2, 20);
    far.forget(1);
    far.add(2, 20);
    EXPECT_EQ(far.skip(0, 20, 1'000), 1'000u);
    EXPECT_EQ(far.skip(0, 21, 1'000), 0u);
}

TEST(FarTimers, WhatIsNotKnownHasToBeRead) {
    FarTimers far(1000);
    far.unknown(2'500, 4'001);
    EXPECT_EQ(far.skip(0, 1, 9'000), 2'000u);
    EXPECT_EQ(far.skip(4'000, 1, 9'000), 4'000u);
    EXPECT_EQ(far.skip(5'000, 1, 9'000), 9'000u);
}

TEST(FarTimers, WhatLiesBehindTheFloorCostsNothing) {
    FarTimers far(1000);
    for (std::uint64_t n = 0; n < 10; ++n)
        far.add(n * 1000, 10);
    far.drop_below(5'001);
    EXPECT_EQ(far.skip(0, 11, 99'000), 5'000u);
    far.drop_below(50'000);
    EXPECT_TRUE(far.empty());
    far.add(60'000, 10);
    EXPECT_EQ(far.skip(0, 11, 99'000), 60'000u);
}

TEST(FarTimers, NoTimerIsPassedWhateverTheOrderTheyComeIn) {
    std::mt19937_64 random(1);
    for (int round = 0; round < 200; ++round) {
        FarTimers far(16);
        std::map<std::uint64_t, std::int64_t> model;
        for (int n = 0; n < 30; ++n) {
            const std::uint64_t offset = random() % 1'000;
            const auto due = static_cast<std::int64_t>(random() % 1'000);
            far.add(offset, due);
            const auto [at, fresh] = model.emplace(offset, due);
            if (!fresh) at->second = std::min(at->second, due);
        }
        for (std::int64_t until = 0; until < 1'000; until += 50)
            for (const auto& [offset, due] : model)
                ASSERT_TRUE(due >= until || far.skip(offset, until, 1'000) == offset);
    }
}

}  // namespace
}  // namespace posthorn::broker
