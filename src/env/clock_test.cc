#include "env/clock.h"

#include <gtest/gtest.h>

namespace posthorn::env {
namespace {

TEST(SimClock, MovesOnlyWhenTold) {
    SimClock clock(1'000);
    EXPECT_EQ(clock.wall_ms(), 1'000);
    const std::int64_t steady = clock.steady_ns();
    clock.advance_ms(5);
    EXPECT_EQ(clock.wall_ms(), 1'005);
    EXPECT_EQ(clock.steady_ns(), steady + 5'000'000);
}

TEST(SimClock, SettingTheWallClockBackLeavesTheSteadyOneAlone) {
    SimClock clock(1'000);
    const std::int64_t steady = clock.steady_ns();
    clock.set_wall_ms(10);
    EXPECT_EQ(clock.wall_ms(), 10);
    EXPECT_EQ(clock.steady_ns(), steady);
}

TEST(SystemClock, IsAfter2020AndSteadyDoesNotGoBack) {
    const SystemClock clock;
    EXPECT_GT(clock.wall_ms(), 1'577'836'800'000);
    const std::int64_t before = clock.steady_ns();
    EXPECT_GE(clock.steady_ns(), before);
}

}  // namespace
}  // namespace posthorn::env
