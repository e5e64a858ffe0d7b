#include "store/definitions.h"

#include <gtest/gtest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <thread>
#include <vector>

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

DefinitionChange put(std::string kind, std::string name, std::string json) {
    return {std::move(kind), std::move(name), std::move(json)};
}
DefinitionChange removed(std::string kind, std::string name) {
    return {std::move(kind), std::move(name), std::nullopt};
}
Result<void> commit(Definitions& definitions, std::vector<DefinitionChange> changes) {
    return definitions.commit(changes);
}

TEST_P(DefinitionsTest, WhatWasCommittedIsThereAfterReopening) {
    {
        auto definitions = open();
        ASSERT_TRUE(commit(*definitions, {put("topic", "orders", "{\"queues\":4}"),
                                          put("topic", "trades", "{}"), put("group", "orders", "{}")})
                        .ok());
        ASSERT_TRUE(
            commit(*definitions, {removed("topic", "trades"), put("topic", "orders", "{\"queues\":8}")})
                .ok());
    }
    EXPECT_EQ(load(*open()), (All{{{"topic", "orders"}, "{\"queues\":8}"}, {{"group", "orders"}, "{}"}}));
}

TEST_P(DefinitionsTest, TheLastChangeOfANameCounts) {
    auto definitions = open();
    ASSERT_TRUE(commit(*definitions,
                       {put("kv", "a", "1"), removed("kv", "a"), removed("kv", "b"), put("kv", "b", "2")})
                    .ok());
    EXPECT_EQ(load(*definitions), (All{{{"kv", "b"}, "2"}}));
}

TEST_P(DefinitionsTest, NamesMayHoldAnyText) {
    auto definitions = open();
    const std::string odd("%RETRY%'; drop table\0x", 22);
    ASSERT_TRUE(commit(*definitions, {put("group", odd, "{}")}).ok());
    EXPECT_EQ(load(*open()).count({"group", odd}), 1u);
}

TEST_P(DefinitionsTest, TwoThreadsMayCommit) {
    auto definitions = open();
    const auto many = [&](const std::string& kind) {
        for (int n = 0; n < 50; ++n)
            ASSERT_TRUE(commit(*definitions, {put(kind, std::to_string(n), "{}")}).ok());
    };
    std::thread other([&] { many("topic"); });
    many("group");
    other.join();
    EXPECT_EQ(load(*definitions).size(), 100u);
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
