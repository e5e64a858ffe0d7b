#include "setting_table.h"

#include <gtest/gtest.h>

#include <vector>

namespace posthorn::broker {
namespace {

TEST(SettingTable, AKeyBelongsToItsSpace) {
    SettingTable table;
    table.set("a", "key", "1");
    table.set("b", "key", "2");
    table.set("a", "key", "3");
    EXPECT_EQ(*table.find("a", "key"), "3");
    EXPECT_EQ(*table.find("b", "key"), "2");
    EXPECT_EQ(table.find("c", "key"), nullptr);
    EXPECT_EQ(table.find("a", "other"), nullptr);
    EXPECT_EQ(table.size(), 2u);
}

TEST(SettingTable, WhatIsUnsetIsGoneAndNothingElse) {
    SettingTable table;
    table.set("a", "1", "x");
    table.set("a", "2", "y");
    EXPECT_FALSE(table.unset("b", "1"));
    EXPECT_FALSE(table.unset("a", "3"));
    EXPECT_TRUE(table.unset("a", "1"));
    EXPECT_FALSE(table.unset("a", "1"));
    EXPECT_EQ(table.size(), 1u);
    std::vector<std::string> seen;
    table.each("a", [&](const std::string& key, const std::string& value) { seen.push_back(key + value); });
    EXPECT_EQ(seen, std::vector<std::string>{"2y"});
}

}  // namespace
}  // namespace posthorn::broker
