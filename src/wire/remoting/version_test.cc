#include "wire/remoting/version.h"

#include <gtest/gtest.h>

namespace posthorn::wire::remoting {
namespace {

TEST(Version, HasTheOriginalsName) {
    EXPECT_EQ(version_name(401), "V4_9_4");
    EXPECT_EQ(version_name(513), "V5_5_0");
    EXPECT_EQ(version_name(400), "V4_9_4_SNAPSHOT");
    EXPECT_EQ(version_name(611), "V5_9_9");
    EXPECT_EQ(version_name(612), "HIGHER_VERSION");
    EXPECT_EQ(version_name(213), "V4_0_0");
    EXPECT_EQ(version_name(211), "V3_9_9");
    EXPECT_EQ(version_name(121), "V3_4_9");
    EXPECT_EQ(version_name(105), "V3_4_1");
    EXPECT_EQ(version_name(87), "V3_3_1");
    EXPECT_EQ(version_name(85), "V3_2_9");
    EXPECT_EQ(version_name(63), "V3_1_8");
    EXPECT_EQ(version_name(47), "V3_1_0");
    EXPECT_EQ(version_name(3), "3");
    EXPECT_EQ(version_name(-5), "-5");
}

}  // namespace
}  // namespace posthorn::wire::remoting
