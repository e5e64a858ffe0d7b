#include "process_meter.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace posthorn::cli {
namespace {

TEST(ProcessMeter, TimesAreFoundBehindAHostileProgramName) {
    const auto usage =
        parse_stat("42 (a) b ( 1 2) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 999 0 0", 100);
    ASSERT_TRUE(usage.ok());
    EXPECT_DOUBLE_EQ(usage->user_seconds, 2.5);
    EXPECT_DOUBLE_EQ(usage->system_seconds, 0.5);
}

TEST(ProcessMeter, ACutLineIsAnError) {
    EXPECT_FALSE(parse_stat("42 (x) S 1 2 3", 100).ok());
    EXPECT_FALSE(parse_stat("", 100).ok());
}

TEST(ProcessMeter, ThisProcessHasMemoryAndTimes) {
    const auto usage = usage_of({getpid()});
    ASSERT_TRUE(usage.ok());
    EXPECT_GT(usage->resident_bytes, 0U);
    EXPECT_GE(usage->peak_resident_bytes, usage->resident_bytes / 2);
}

TEST(ProcessMeter, AProcessThatDoesNotExistIsAnError) {
    EXPECT_EQ(usage_of({-1}).error().code, Errc::not_found);
}

}  // namespace
}  // namespace posthorn::cli
