#include "first_user.h"

#include <gtest/gtest.h>

namespace posthorn::server {
namespace {

using Names = std::vector<std::string>;

TEST(FirstUser, NamesStandBetweenCommasOrBlanks) {
    EXPECT_EQ(names_in("guest"), Names{"guest"});
    EXPECT_EQ(names_in("guest,admin"), (Names{"guest", "admin"}));
    EXPECT_EQ(names_in("guest, admin"), (Names{"guest", "admin"}));
    EXPECT_EQ(names_in("guest admin"), (Names{"guest", "admin"})) << "as a YAML list comes";
    EXPECT_EQ(names_in(" ,, "), Names{});
    EXPECT_EQ(names_in("none"), Names{});
    EXPECT_EQ(names_in(""), Names{});
}

}  // namespace
}  // namespace posthorn::server
