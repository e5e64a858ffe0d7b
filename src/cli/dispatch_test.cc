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

constexpr std::array<Command, 4> table{{
    {"config show", "", count_arguments},
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
    EXPECT_EQ(run({"help", "config", "show"}), 101) << "the command is asked for --help";
    EXPECT_EQ(run({"help", "nonsense"}), exit_usage);
}

TEST(Dispatch, AFirstWordAloneListsWhatBeginsWithIt) {
    EXPECT_EQ(run({"config"}), exit_usage);
    EXPECT_EQ(run({"config", "--help"}), exit_good);
    EXPECT_EQ(run({"help", "config"}), exit_good);
}

TEST(Dispatch, VersionMayBeAskedForAsAFlag) {
    EXPECT_EQ(run({"--version"}), 7);
    EXPECT_EQ(run({"-v"}), 7);
}

}  // namespace
}  // namespace posthorn::cli
