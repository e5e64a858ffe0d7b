#include "message_facts.h"

#include <gtest/gtest.h>

namespace posthorn::gateway::amqp {
namespace {

Buffer encoded(const wire::Properties& properties) {
    Buffer bytes;
    wire::append_properties(bytes, properties);
    return bytes;
}

/// What is known of `next` after `first` was read.
const MessageFacts* after(UsualProperties& usual, const wire::Properties& first,
                          const wire::Properties& next) {
    MessageFacts facts;
    std::vector<std::string_view> keys;
    EXPECT_FALSE(read_facts(first, facts, keys));
    usual.note(encoded(first).view(), first, facts);
    return usual.facts(encoded(next).view());
}

TEST(UsualProperties, AreKnownAgainByTheirBytesAndOnlyByAllOfThem) {
    UsualProperties usual;
    const wire::Properties persistent{.delivery_mode = 2, .priority = 3, .expiration = "1000"};
    const MessageFacts* facts = after(usual, persistent, persistent);
    ASSERT_NE(facts, nullptr);
    EXPECT_TRUE(facts->persistent);
    EXPECT_EQ(facts->priority, 3);
    EXPECT_EQ(facts->ttl_ms, 1000);
    EXPECT_EQ(after(usual, persistent, {.delivery_mode = 1, .priority = 3, .expiration = "1000"}), nullptr);
    EXPECT_EQ(after(usual, persistent, {.delivery_mode = 2, .priority = 3}), nullptr);
}

TEST(UsualProperties, WhatIsAMessagesOwnIsReadEveryTime) {
    for (const wire::Properties& own :
         {wire::Properties{.message_id = "m"}, wire::Properties{.correlation_id = "c"},
          wire::Properties{.timestamp = 1}, wire::Properties{.user_id = "guest"},
          wire::Properties{.reply_to = "amq.rabbitmq.reply-to"}}) {
        UsualProperties usual;
        EXPECT_EQ(after(usual, own, own), nullptr);
    }
}

TEST(UsualProperties, NothingIsKnownBeforeTheFirst) {
    EXPECT_EQ(UsualProperties().facts(Bytes()), nullptr);
}

}  // namespace
}  // namespace posthorn::gateway::amqp
