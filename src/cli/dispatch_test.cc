#include <gtest/gtest.h>

#include <array>

#include "cli/command.h"

namespace posthorn::cli {
namespace {

int count_arguments(const Arguments& arguments) {
    return static_cast<int>(arguments.size()) + 100;
}
int answer_seven(const Arguments&) {
    return 7;
}

constexpr std::array<Command, 3> table{{
    {"log", "", answer_seven},
    {"log dump", "", count_arguments},
    {"version", "", answer_seven},
}};

int run(const Arguments& words) {
    const std::array<std::span<const Command>, 1> tables{table};
    return dispatch(tables, words);
}

TEST(Dispatch, TheLongestNameWinsAndTheRestAreArguments) {
    EXPECT_EQ(run({"log", "dump", "file", "--json"}), 102);
    EXPECT_EQ(run({"log", "other"}), 7);
}

TEST(Dispatch, UnknownWordsAndNoWordsAreAUsageError) {
    EXPECT_EQ(run({"nonsense"}), exit_usage);
    EXPECT_EQ(run({}), exit_usage);
    EXPECT_EQ(run({"versio"}), exit_usage);
}

TEST(Dispatch, HelpIsAnsweredWell) {
    EXPECT_EQ(run({"help"}), exit_good);
    EXPECT_EQ(run({"--help"}), exit_good);
}

}  // namespace
}  // namespace posthorn::cli
