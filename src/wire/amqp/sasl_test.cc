#include "wire/amqp/sasl.h"

#include <gtest/gtest.h>

#include <string>

namespace posthorn::wire::amqp {
namespace {

template <std::size_t N>
constexpr std::string_view lit(const char (&text)[N]) {
    return {text, N - 1};
}

TEST(Plain, IsReadAsRabbitReadsIt) {
    const auto credentials = parse_plain(lit("\0guest\0secret"));
    ASSERT_TRUE(credentials);
    EXPECT_EQ(credentials->user, "guest");
    EXPECT_EQ(credentials->password, "secret");
    EXPECT_TRUE(parse_plain(lit("\0guest\0"))) << "an empty password is for others to refuse";
    EXPECT_FALSE(parse_plain(""));
    EXPECT_FALSE(parse_plain("guest"));
    EXPECT_FALSE(parse_plain(lit("\0guest")));
    EXPECT_FALSE(parse_plain(lit("other\0guest\0secret")));
    EXPECT_FALSE(parse_plain(lit("\0guest\0secret\0")));
}

TEST(Plain, IsWrittenAsItIsRead) {
    Buffer out;
    append_plain(out, {"user", "password"});
    EXPECT_EQ(parse_plain(as_text(out.view()))->password, "password");
}

TEST(AmqPlain, IsATableWithoutItsLength) {
    const auto credentials = parse_amqplain(lit("\5LOGINS\0\0\0\5guest\x08PASSWORDS\0\0\0\6secret"));
    ASSERT_TRUE(credentials);
    EXPECT_EQ(credentials->user, "guest");
    EXPECT_EQ(credentials->password, "secret");
}

TEST(AmqPlain, TakesBytesForText) {
    EXPECT_TRUE(parse_amqplain(lit("\5LOGINx\0\0\0\5guest\x08PASSWORDS\0\0\0\6secret")));
}

TEST(AmqPlain, RefusesWhatIsMissingOrMalformed) {
    EXPECT_FALSE(parse_amqplain(""));
    EXPECT_FALSE(parse_amqplain(lit("\5LOGINS\0\0\0\5guest")));
    EXPECT_FALSE(parse_amqplain(lit("\5LOGINS\0\0\0\5guest\x08PASSWORDt\1")));
    EXPECT_FALSE(parse_amqplain(lit("\5LOGINS\0\0\0\5guest\x08PASSWORDS\0\0\0\7secret")));
}

}  // namespace
}  // namespace posthorn::wire::amqp
