#include "values.h"

#include <gtest/gtest.h>

namespace posthorn::server {
namespace {

TEST(Values, BytesTakeTheUnitsPeopleWrite) {
    EXPECT_EQ(parse_bytes("4096").value(), 4096u);
    EXPECT_EQ(parse_bytes("64 MiB").value(), 64u << 20);
    EXPECT_EQ(parse_bytes("4k").value(), 4096u);
    EXPECT_EQ(parse_bytes("1GB").value(), 1u << 30);
}

TEST(Values, TimesAreMillisecondsUnlessTheySayOtherwise) {
    EXPECT_EQ(parse_time("500").value(), 500);
    EXPECT_EQ(parse_time("500ms").value(), 500);
    EXPECT_EQ(parse_time("5m").value(), 300'000);
    EXPECT_EQ(parse_time("3d").value(), 259'200'000);
}

TEST(Values, SharesArePlainOrPercent) {
    EXPECT_DOUBLE_EQ(parse_ratio("0.75").value(), 0.75);
    EXPECT_DOUBLE_EQ(parse_ratio("75%").value(), 0.75);
    EXPECT_FALSE(parse_ratio("75").ok());
}

TEST(Values, NonsenseIsAnErrorThatShowsHowToWriteIt) {
    for (const char* bad : {"", "x", "-1", "12 parsec", "99999999999999999999", "9999999999999G"}) {
        EXPECT_FALSE(parse_bytes(bad).ok()) << bad;
        EXPECT_FALSE(parse_time(bad).ok()) << bad;
        EXPECT_FALSE(parse_ratio(bad).ok()) << bad;
        EXPECT_FALSE(parse_switch(bad).ok()) << bad;
    }
    EXPECT_NE(parse_time("soon").error().message.find("10s"), std::string::npos);
}

TEST(Values, WhatIsShownReadsBackAsTheSame) {
    for (const std::uint64_t value : {0ull, 1ull, 1000ull, 1024ull, 256ull << 20, 3ull << 30, 1025ull})
        EXPECT_EQ(parse_bytes(show_bytes(value)).value(), value);
    for (const std::int64_t value : {0, 1, 500, 1000, 90'000, 3'600'000, 72 * 3'600'000})
        EXPECT_EQ(parse_time(show_time(value)).value(), value);
}

}  // namespace
}  // namespace posthorn::server
