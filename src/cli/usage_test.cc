#include "usage.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

namespace posthorn::cli {
namespace {

class UsageTest : public ::testing::Test {
  protected:
    UsageTest() { app.add_option("file", file)->required(); }

    std::string file;
    CLI::App app{"Does something.", "posthorn something"};
};

TEST_F(UsageTest, TakesAGoodLine) {
    EXPECT_FALSE(parse(app, {"a.seg"}, "posthorn something a.seg").has_value());
    EXPECT_EQ(file, "a.seg");
}

TEST_F(UsageTest, SaysWhatIsWrongAndWhatWouldBeRight) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(parse(app, {}, "posthorn something a.seg"), exit_usage);
    EXPECT_EQ(testing::internal::GetCapturedStderr(),
              "posthorn something: file is required\n  for example: posthorn something a.seg\n"
              "  'posthorn something --help' lists the options\n");
}

TEST_F(UsageTest, GivesHelpWhoAsksForIt) {
    testing::internal::CaptureStdout();
    EXPECT_EQ(parse(app, {"--help"}, ""), exit_good);
    EXPECT_NE(testing::internal::GetCapturedStdout().find("Does something."), std::string::npos);
}

}  // namespace
}  // namespace posthorn::cli
