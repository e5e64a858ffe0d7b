#include "model/value.h"

#include <gtest/gtest.h>

namespace posthorn::model {
namespace {

TEST(Arguments, AreEqualInAnyOrder) {
    const Arguments one{{"x-message-ttl", {std::int64_t{1000}}}, {"x-overflow", {std::string("drop-head")}}};
    const Arguments two{{"x-overflow", {std::string("drop-head")}}, {"x-message-ttl", {std::int64_t{1000}}}};
    EXPECT_EQ(one, two);
    EXPECT_FALSE(one == (Arguments{{"x-message-ttl", {std::int64_t{1000}}}}));
}

TEST(Arguments, ComeBackFromTheirJson) {
    const Arguments arguments{{"n", {std::int64_t{-5}}},
                              {"d", {2.5}},
                              {"b", {true}},
                              {"none", {}},
                              {"at", {Timestamp{1'700'000'000}}},
                              {"list", {Array{{std::string("a")}, {std::int64_t{1}}}}},
                              {"table", {Arguments{{"k", {std::string("v")}}}}}};
    EXPECT_EQ(arguments_from_json(to_json(arguments)), arguments);
}

TEST(Arguments, BytesThatAreNoTextComeBackFromTheirJson) {
    const Arguments arguments{{"raw", {std::string("\xff\xfe", 2)}},
                              {"empty", {std::string()}},
                              {"binary", {Binary{std::string("a\0\xff", 3)}}}};
    EXPECT_EQ(arguments_from_json(to_json(arguments)), arguments);
}

TEST(Arguments, TablesThatLookLikeOurMarksComeBackAsTables) {
    const Arguments arguments{{"a", {Arguments{{"timestamp", {std::int64_t{5}}}}}},
                              {"b", {Arguments{{"hex", {std::string("ff")}}}}},
                              {"d", {Arguments{{"binary", {std::string("ff")}}}}},
                              {"c", {Arguments{{"table", {Arguments{{"hex", {std::int64_t{1}}}}}}}}}};
    EXPECT_EQ(arguments_from_json(to_json(arguments)), arguments);
}

TEST(Arguments, NoObjectIsNothing) {
    EXPECT_FALSE(arguments_from_json("[1]").has_value());
    EXPECT_FALSE(arguments_from_json("{").has_value());
}

}  // namespace
}  // namespace posthorn::model
