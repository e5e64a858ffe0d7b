#include "http_call.h"

#include <gtest/gtest.h>

namespace posthorn::cli {
namespace {

TEST(Base64, IsThatOfRfc4648) {
    const std::pair<std::string, std::string> pairs[] = {
        {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
        {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"guest:guest", "Z3Vlc3Q6Z3Vlc3Q="}};
    for (const auto& [text, encoded] : pairs)
        EXPECT_EQ(base64(text), encoded);
}

TEST(HttpCall, NobodyThereIsAnErrorThatNamesThePlace) {
    const auto answer = http_call("127.0.0.1:1", "GET", "/", "a:b", "");
    ASSERT_FALSE(answer.ok());
    EXPECT_NE(answer.error().message.find("127.0.0.1:1"), std::string::npos);
}

}  // namespace
}  // namespace posthorn::cli
