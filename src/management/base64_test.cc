#include "base64.h"

#include <gtest/gtest.h>

namespace posthorn::management {
namespace {

TEST(Base64, GoesThereAndBack) {
    for (const char* text : {"", "f", "fo", "foo", "foob", "fooba", "foobar"})
        EXPECT_EQ(from_base64(base64(text)), text);
    EXPECT_EQ(base64("foob"), "Zm9vYg==");
    EXPECT_EQ(base64_for_path("\xff\xfe\xfd"), "__79");
    EXPECT_EQ(base64_for_path("f"), "Zg");
}

TEST(Base64, WhatIsNoneIsRefused) {
    for (const char* text : {"Z", "Zg", "Zg=", "Z===", "Zm9=Zg==", "Zm 9", "%%%%", "Zm9v\n"})
        EXPECT_EQ(from_base64(text), std::nullopt) << text;
}

}  // namespace
}  // namespace posthorn::management
