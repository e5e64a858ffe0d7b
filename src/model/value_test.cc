#include "model/value.h"

#include <gtest/gtest.h>

namespace posthorn::model {
namespace {

TEST(Arguments, AreFoundByNameAndTheFirstOfTwoCounts) {
    Arguments arguments{{"a", {std::int64_t{1}}}, {"b", {std::string("x")}}, {"a", {std::int64_t{2}}}};
    EXPECT_EQ(*arguments.find("a")->number(), 1);
    EXPECT_EQ(*arguments.find("b")->text(), "x");
    EXPECT_EQ(arguments.find("c"), nullptr);
    arguments.set("b", {true});
    EXPECT_TRUE(*arguments.find("b")->flag());
    EXPECT_TRUE(arguments.erase("a"));
    EXPECT_EQ(arguments.size(), 1u);
}

TEST(Arguments, AreEqualInAnyOrderAndNotAcrossTypes) {
    const Arguments one{{"a", {std::int64_t{1}}}, {"b", {true}}};
    EXPECT_TRUE(one == (Arguments{{"b", {true}}, {"a", {std::int64_t{1}}}}));
    EXPECT_FALSE(one == (Arguments{{"a", {std::int64_t{1}}}}));
    EXPECT_FALSE((Arguments{{"a", {std::int64_t{1}}}}) == one);
    EXPECT_FALSE((Arguments{{"a", {std::int64_t{1}}}}) == (Arguments{{"a", {std::string("1")}}}));
}

TEST(Arguments, BecomeOneLineOfJson) {
    const Arguments arguments{{"text", {std::string("a\"\\\n\xC3\xA9\xFF")}},
                              {"whole", {std::int64_t{-5}}},
                              {"real", {2.0}},
                              {"none", {}},
                              {"when", {Timestamp{12}}},
                              {"list", {Array{{true}, {std::string()}}}},
                              {"table", {Arguments{{"x", {false}}}}}};
    EXPECT_EQ(to_json(arguments),
              "{\"text\":\"a\\\"\\\\\\u000a\xC3\xA9\\ufffd\",\"whole\":-5,\"real\":2.0,"
              "\"none\":null,\"when\":{\"timestamp\":12},\"list\":[true,\"\"],"
              "\"table\":{\"x\":false}}");
}

}  // namespace
}  // namespace posthorn::model
