#include "name_rows.h"

#include <gtest/gtest.h>

namespace posthorn::broker::name_rows {
namespace {

TEST(NameRows, ATopicComesBackAsItWas) {
    model::Topic topic;
    topic.id = model::TopicId(7);
    topic.name = "orders";
    topic.read_queues = 2;
    topic.write_queues = 1;
    topic.permission.bits = 4;
    topic.ordered = true;
    topic.system_flag = 3;
    topic.attributes = "+a=\"b\"";
    topic.queues = {model::QueueId(5), model::QueueId(9)};
    const auto again = read_topic("orders", write(topic));
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->id, topic.id);
    EXPECT_EQ(again->name, topic.name);
    EXPECT_EQ(again->read_queues, 2u);
    EXPECT_EQ(again->write_queues, 1u);
    EXPECT_EQ(again->permission, topic.permission);
    EXPECT_TRUE(again->ordered);
    EXPECT_EQ(again->system_flag, 3u);
    EXPECT_EQ(again->attributes, topic.attributes);
    EXPECT_EQ(again->queues, topic.queues);
}

TEST(NameRows, AGroupComesBackAsItWas) {
    model::Group group;
    group.id = model::GroupId(3);
    group.name = "billing";
    group.consume_enabled = !group.consume_enabled;
    group.ordered = !group.ordered;
    group.retry_max = 5;
    group.attributes = "x";
    const auto again = read_group("billing", write(group));
    ASSERT_TRUE(again.ok());
    EXPECT_EQ(again->id, group.id);
    EXPECT_EQ(again->name, "billing");
    EXPECT_EQ(write(*again), write(group));
}

TEST(NameRows, WhatAnOlderProgramDidNotWriteHasItsUsualValue) {
    const auto group = read_group("g", R"({"id": 1})");
    ASSERT_TRUE(group.ok());
    EXPECT_EQ(group->retry_max, model::Group().retry_max);
    EXPECT_EQ(group->consume_enabled, model::Group().consume_enabled);
}

TEST(NameRows, SettingsQueuesAndNumbersComeBackAsTheyWere) {
    const auto setting = read_setting(write_setting("space", "key\"", "value\n"));
    ASSERT_TRUE(setting.ok());
    EXPECT_EQ(setting->space, "space");
    EXPECT_EQ(setting->key, "key\"");
    EXPECT_EQ(setting->value, "value\n");
    EXPECT_EQ(*read_queue(write_queue(model::QueueId(77))), model::QueueId(77));
    const auto numbers = read_numbers(write(Numbers{1, 2, 3, 1ull << 40}));
    ASSERT_TRUE(numbers.ok());
    EXPECT_EQ(numbers->topic, 1u);
    EXPECT_EQ(numbers->group, 2u);
    EXPECT_EQ(numbers->queue, 3u);
    EXPECT_EQ(numbers->version, 1ull << 40);
}

TEST(NameRows, WhatIsNoJsonOrNotTheRightJsonIsDamaged) {
    for (const char* text : {"", "{", "[]", "{}", "17", R"({"id": "x"})", R"({"id": []})"}) {
        SCOPED_TRACE(text);
        EXPECT_EQ(read_topic("t", text).error().code, Errc::damaged);
        EXPECT_EQ(read_group("g", text).error().code, Errc::damaged);
        EXPECT_EQ(read_queue(text).error().code, Errc::damaged);
        EXPECT_EQ(read_setting(text).error().code, Errc::damaged);
        EXPECT_EQ(read_numbers(text).error().code, Errc::damaged);
    }
}

TEST(NameRows, ATextThatIsNotUtf8CanBeWritten) {
    EXPECT_TRUE(read_setting(write_setting("s", "k", "\xff\xfe")).ok());
}

}  // namespace
}  // namespace posthorn::broker::name_rows
