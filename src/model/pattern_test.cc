#include "model/pattern.h"

#include <gtest/gtest.h>

namespace posthorn::model {
namespace {

TEST(Pattern, IsFoundAnywhereUnlessAnchored) {
    const Pattern anywhere = *Pattern::compile("orders");
    EXPECT_TRUE(anywhere.found_in("eu.orders.new"));
    const Pattern anchored = *Pattern::compile("^orders\\.(new|paid)$");
    EXPECT_TRUE(anchored.found_in("orders.paid"));
    EXPECT_FALSE(anchored.found_in("eu.orders.paid"));
}

TEST(Pattern, TheEmptyOneIsFoundInEveryName) {
    EXPECT_TRUE(Pattern::compile("")->found_in(""));
    EXPECT_TRUE(Pattern::compile("")->found_in("x"));
    EXPECT_FALSE(Pattern::compile("^$")->found_in("x"));
}

TEST(Pattern, AnIllegalOneSaysWhereAndWhy) {
    const auto pattern = Pattern::compile("a(b");
    ASSERT_FALSE(pattern.ok());
    EXPECT_EQ(pattern.error().code, Errc::invalid);
    EXPECT_NE(pattern.error().message.find("at byte 3"), std::string::npos) << pattern.error().message;
}

TEST(Pattern, OneThatWouldTakeForEverMatchesNothingSoon) {
    const Pattern evil = *Pattern::compile("^(a+)+$");
    EXPECT_FALSE(evil.found_in(std::string(200, 'a') + "b"));
}

}  // namespace
}  // namespace posthorn::model
