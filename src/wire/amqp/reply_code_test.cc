#include "wire/amqp/reply_code.h"

#include <gtest/gtest.h>

namespace posthorn::wire::amqp {
namespace {

TEST(ReplyCode, HardErrorsCloseTheConnectionSoftOnesTheChannel) {
    for (const int hard : {320, 402, 501, 502, 503, 504, 505, 506, 530, 540, 541})
        EXPECT_TRUE(closes_connection(static_cast<ReplyCode>(hard))) << hard;
    for (const int soft : {311, 312, 313, 403, 404, 405, 406})
        EXPECT_FALSE(closes_connection(static_cast<ReplyCode>(soft))) << soft;
}

TEST(ReplyCode, HasANameWhereClientsLookForOne) {
    EXPECT_EQ(name(ReplyCode::precondition_failed), "PRECONDITION_FAILED");
    EXPECT_EQ(name(static_cast<ReplyCode>(999)), "");
}

TEST(ReplyText, IsNameAndDetail) {
    EXPECT_EQ(reply_text(ReplyCode::not_found, "no queue 'q' in vhost '/'"),
              "NOT_FOUND - no queue 'q' in vhost '/'");
    EXPECT_EQ(reply_text(ReplyCode::no_route, ""), "NO_ROUTE");
}

TEST(ReplyText, FitsAShortStringAndIsCutAsRabbitCuts) {
    const std::string fits(255 - 12, 'x');
    EXPECT_EQ(reply_text(ReplyCode::not_found, fits).size(), 255u);
    EXPECT_EQ(reply_text(ReplyCode::not_found, fits).back(), 'x');
    const std::string cut = reply_text(ReplyCode::not_found, fits + 'x');
    EXPECT_EQ(cut.size(), 255u);
    EXPECT_TRUE(cut.ends_with("xxx..."));
}

TEST(ReplyText, IsNotCutInTheMiddleOfACharacter) {
    std::string detail;
    for (int i = 0; i < 100; ++i)
        detail += "\xE4\xB8\xAD";
    for (int shift = 0; shift < 3; ++shift, detail.insert(0, "x")) {
        const std::string cut = reply_text(ReplyCode::not_found, detail);
        EXPECT_LE(cut.size(), 255u);
        EXPECT_TRUE(cut.ends_with("\xE4\xB8\xAD...")) << shift;
    }
}

}  // namespace
}  // namespace posthorn::wire::amqp
