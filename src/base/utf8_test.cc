#include "base/utf8.h"

#include <gtest/gtest.h>

namespace posthorn {
namespace {

TEST(Utf8, TextOfEveryLengthOfSequenceIsTaken) {
    EXPECT_TRUE(is_utf8(""));
    EXPECT_TRUE(is_utf8("queue"));
    EXPECT_TRUE(is_utf8("\xC3\xA9 \xE9\x82\xAE \xF0\x9F\x93\xAF"));
}

TEST(Utf8, OverlongFormsSurrogatesAndWhatIsCutAreNot) {
    for (const char* text :
         {"\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80",
          "\xF8\x88\x80\x80\x80", "\x80", "a\xC3", "\xE9\x82", "\xF0\x9F\x93", "\xC3("})
        EXPECT_FALSE(is_utf8(text)) << text;
}

}  // namespace
}  // namespace posthorn
