#include "gateway/remoting/options.h"

#include <gtest/gtest.h>

#include "incoming_properties.h"

namespace posthorn::gateway::remoting {
namespace {

TEST(DelayLevels, AreReadAsTheOriginalWritesThem) {
    const auto levels = parse_delay_levels("1s 5m 2h  1d");
    ASSERT_TRUE(levels.ok());
    EXPECT_EQ(*levels, (DelayLevels{1'000, 300'000, 7'200'000, 86'400'000}));
    EXPECT_EQ(RemotingOptions{}.delay_levels.size(), 18u);
    for (const char* wrong : {"", "10", "s", "1x", "-1s", "1s,5s", "9223372036854775807d"})
        EXPECT_FALSE(parse_delay_levels(wrong).ok()) << wrong;
}

TEST(IncomingProperties, ALevelIsStrongerThanATime) {
    const DelayLevels levels{1'000, 5'000};
    Buffer stored;
    const auto due = [&](std::string_view list) {
        return IncomingProperties::read(list, stored)->due_ms(100, levels);
    };
    EXPECT_EQ(due("TAGS\001a\002"), 0);
    EXPECT_EQ(due("DELAY\0012\002TIMER_DELAY_MS\0017\002"), 5'100);
    EXPECT_EQ(due("DELAY\00199\002"), 5'100);
    EXPECT_EQ(due("TIMER_DELAY_SEC\0012\002TIMER_DELAY_MS\0017\002"), 2'100);
    EXPECT_EQ(due("TIMER_DELIVER_MS\001500\002"), 500);
    EXPECT_EQ(due("TIMER_DELIVER_MS\00150\002"), 0);
    EXPECT_EQ(due("TIMER_DELAY_SEC\0019223372036854775807\002"), INT64_MAX);
    EXPECT_EQ(due("TIMER_DELAY_SEC\001-9223372036854775808\002"), 0);
}

TEST(IncomingProperties, NamesWhatIsNoNumber) {
    Buffer stored;
    const auto read = IncomingProperties::read("TIMER_DELAY_MS\001soon\002", stored);
    ASSERT_FALSE(read.ok());
    EXPECT_NE(read.error().message.find("TIMER_DELAY_MS"), std::string::npos);
}

TEST(IncomingProperties, StoredFormLeavesOutWhatHasDoneItsWork) {
    Buffer out;
    const auto stored = [&](std::string_view list) {
        EXPECT_TRUE(IncomingProperties::read(list, out).ok());
        return std::string(as_text(out.view()));
    };
    EXPECT_EQ(stored("WAIT\001true\002TAGS\001a\002DELAY\0013\002KEYS\001k"), "TAGS\001a\002KEYS\001k\002");
    EXPECT_EQ(stored("WAIT\001false\002"), "WAIT\001false\002");
    EXPECT_EQ(stored("a\001\002b\0012"), "a\001\002b\0012\002");
    EXPECT_EQ(stored("a\0011\002no value\002\001no name\002b\0012\002WAIT\001true"), "a\0011\002b\0012\002");
    EXPECT_EQ(stored("WAIT\001true\002"), "");
    EXPECT_EQ(stored("\002\002"), "");
    EXPECT_EQ(stored(""), "");
}

}  // namespace
}  // namespace posthorn::gateway::remoting
