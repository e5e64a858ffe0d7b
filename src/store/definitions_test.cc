#include "store/definitions.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace posthorn::store {
namespace {

using All = std::map<std::pair<std::string, std::string>, std::string>;

All load(Definitions& definitions) {
    All all;
    EXPECT_TRUE(definitions
                    .load([&](std::string_view kind, std::string_view name, std::string_view json) {
                        all[{std::string(kind), std::string(name)}] = json;
                    })
                    .ok());
    return all;
}

/// Both kinds keep the same promises.
class DefinitionsTest : public ::testing::TestWithParam<bool> {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::temp_directory_path() /
                  ("posthorn-definitions-" + std::to_string(::getpid()) + (GetParam() ? "s" : "m"));
        std::filesystem::remove_all(folder_);
        std::filesystem::create_directories(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::unique_ptr<Definitions> open() {
        if (!GetParam()) return std::make_unique<MemoryDefinitions>(shared_);
        auto opened = open_sqlite_definitions((folder_ / "definitions.db").string());
        EXPECT_TRUE(opened.ok());
        return std::move(*opened);
    }

    std::filesystem::path folder_;
    std::shared_ptr<MemoryDefinitions::Shared> shared_ = MemoryDefinitions::make_shared_state();
};

TEST_P(DefinitionsTest, WhatWasCommittedIsThereAfterReopening) {
    {
        auto definitions = open();
        definitions->put("topic", "orders", "{\"queues\":4}");
        definitions->put("topic", "trades", "{}");
        definitions->put("group", "orders", "{}");
        ASSERT_TRUE(definitions->commit().ok());
        definitions->remove("topic", "trades");
        definitions->put("topic", "orders", "{\"queues\":8}");
        ASSERT_TRUE(definitions->commit().ok());
    }
    EXPECT_EQ(load(*open()), (All{{{"topic", "orders"}, "{\"queues\":8}"}, {{"group", "orders"}, "{}"}}));
}

TEST_P(DefinitionsTest, WhatWasOnlyStagedIsGone) {
    {
        auto definitions = open();
        definitions->put("topic", "orders", "{}");
    }
    EXPECT_TRUE(load(*open()).empty());
}

TEST_P(DefinitionsTest, TheLastStagedChangeOfANameCounts) {
    auto definitions = open();
    definitions->put("kv", "a", "1");
    definitions->remove("kv", "a");
    definitions->remove("kv", "b");
    definitions->put("kv", "b", "2");
    ASSERT_TRUE(definitions->commit().ok());
    EXPECT_EQ(load(*definitions), (All{{{"kv", "b"}, "2"}}));
}

TEST_P(DefinitionsTest, NamesMayHoldAnyText) {
    auto definitions = open();
    const std::string odd("%RETRY%'; drop table\0x", 22);
    definitions->put("group", odd, "{}");
    ASSERT_TRUE(definitions->commit().ok());
    EXPECT_EQ(load(*open()).count({"group", odd}), 1u);
}

INSTANTIATE_TEST_SUITE_P(Kinds, DefinitionsTest, ::testing::Bool(),
                         [](const auto& kind) { return kind.param ? "Sqlite" : "Memory"; });

TEST(SqliteDefinitions, AFileThatIsNoDatabaseIsReportedAsDamaged) {
    const auto path =
        std::filesystem::temp_directory_path() / ("posthorn-nodb-" + std::to_string(::getpid()));
    std::ofstream(path) << std::string(8192, 'x');
    auto opened = open_sqlite_definitions(path.string());
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, Errc::damaged);
    std::filesystem::remove(path);
}

}  // namespace
}  // namespace posthorn::store
