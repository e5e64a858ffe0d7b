#include "model/tag_expression.h"

#include <gtest/gtest.h>

#include "model/topic.h"

namespace posthorn::model {
namespace {

TEST(TagHash, IsJavasStringHashCode) {
    EXPECT_EQ(tag_hash(""), 0);
    EXPECT_EQ(tag_hash("TagA"), 2598919);                      // "TagA".hashCode()
    EXPECT_EQ(tag_hash("\xE8\xAE\xA2\xE5\x8D\x95"), 1129459);  // "订单".hashCode()
}

TEST(TagExpression, StarAndEmptyMatchEverything) {
    EXPECT_TRUE(TagExpression::parse("*")->matches(42));
    EXPECT_TRUE(TagExpression::parse("  ")->matches(42));
}

TEST(TagExpression, MatchesEachOfItsTagsAndNoOther) {
    const TagExpression expression = *TagExpression::parse("ORDER_CREATE || ORDER_TRADE||X ");
    EXPECT_TRUE(expression.matches(tag_hash("ORDER_CREATE")));
    EXPECT_TRUE(expression.matches(tag_hash("ORDER_TRADE")));
    EXPECT_TRUE(expression.matches(tag_hash("X")));
    EXPECT_FALSE(expression.matches(tag_hash("ORDER_TIMEOUT")));
    EXPECT_FALSE(expression.matches(tag_hash("")));
}

TEST(TagExpression, OnlyBarsIsAnError) {
    EXPECT_EQ(TagExpression::parse("|| ||").error().code, Errc::invalid);
}

TEST(LegalName, RefusesWhatTheOriginalRefuses) {
    EXPECT_TRUE(legal_name("%RETRY%order-consumer_1|x"));
    EXPECT_FALSE(legal_name(""));
    EXPECT_FALSE(legal_name("a b"));
    EXPECT_FALSE(legal_name("a/b"));
}

}  // namespace
}  // namespace posthorn::model
