#include "topic_attributes.h"

#include <gtest/gtest.h>

namespace posthorn::gateway::remoting {
namespace {

/// Applies a change as a request writes it; what the topic has then, or the fault.
std::string changed(const Attributes& current, std::string_view text, bool creating = false) {
    const auto change = parse_attribute_change(text);
    if (!change) return change.error().message;
    const auto result = change_attributes(current, *change, creating);
    return result ? TopicExtras{false, *result}.kept() : result.error().message;
}

TEST(TopicAttributes, AreAddedChangedAndTakenAway) {
    EXPECT_EQ(changed({}, "+message.type=FIFO", true), "message.type=FIFO");
    EXPECT_EQ(changed({{"message.type", "FIFO"}}, "+message.type=DELAY,+reserve.time=100"),
              "message.type=DELAY,reserve.time=100");
    EXPECT_EQ(changed({{"message.type", "FIFO"}, {"reserve.time", "1"}}, "-reserve.time"),
              "message.type=FIFO");
    EXPECT_EQ(changed({{"message.type", "FIFO"}}, ""), "message.type=FIFO");
}

// What a 5.5.0 broker answers.
TEST(TopicAttributes, HaveTheOriginalsFaults) {
    const Attributes one{{"message.type", "FIFO"}};
    EXPECT_EQ(changed(one, "-reserve.time"), "attempt to delete a nonexistent key: reserve.time");
    EXPECT_EQ(changed(one, "+foo=1"), "unsupported key: foo");
    EXPECT_EQ(changed(one, "message.type=FIFO"), "add/alter attribute format is wrong: message.type");
    EXPECT_EQ(changed(one, "+message.type"), "delete attribute format is wrong: +message.type");
    EXPECT_EQ(changed(one, " +message.type=FIFO"), "wrong format key: +message.type");
    EXPECT_EQ(changed(one, "+queue.type=BatchCQ"),
              "attempt to update an unchangeable attribute. key: queue.type");
    EXPECT_EQ(changed({}, "+queue.type=BatchCQ", true), "queue.type=BatchCQ");
    EXPECT_EQ(changed(one, "+message.type=NORMAL,+message.type=FIFO"), "key duplication: +message.type");
    EXPECT_EQ(changed(one, "+message.type=NORMAL,-message.type"), "alter duplication key. key: message.type");
    EXPECT_EQ(changed({}, "-message.type", true),
              "only add attribute is supported while creating topic. key: message.type");
    EXPECT_TRUE(changed(one, "+message.type=NOPE").starts_with("value is not in set: [UNSPECIFIED,"));
    EXPECT_TRUE(changed(one, "+message.type=").starts_with("value is not in set:"));
    EXPECT_NE(changed(one, "+reserve.time=-2").find("number from -1"), std::string::npos);
}

TEST(TopicExtras, AreReadAsTheyWereKept) {
    const TopicExtras extras{true, {{"message.type", "FIFO"}, {"reserve.time", "5"}}};
    EXPECT_EQ(extras.kept(), "MULTI_TAG,message.type=FIFO,reserve.time=5");
    EXPECT_EQ(TopicExtras::read(extras.kept()).attributes, extras.attributes);
    EXPECT_TRUE(TopicExtras::read("MULTI_TAG").multi_tag);
    EXPECT_FALSE(TopicExtras::read("").multi_tag);
}

}  // namespace
}  // namespace posthorn::gateway::remoting
