// One suite over both sides of the door: what holds for real files holds for the simulated ones.
#include "env/files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

#include "env/posix_files.h"
#include "env/sim_files.h"

namespace posthorn::env {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct RealSide {
    RealSide() {
        std::string pattern = (std::filesystem::temp_directory_path() / "posthorn-files-XXXXXX").string();
        directory = ::mkdtemp(pattern.data());
        files = std::make_unique<PosixFiles>(directory + "/root");
    }
    ~RealSide() { std::filesystem::remove_all(directory); }
    std::string directory;
    std::unique_ptr<Files> files;
};

struct SimulatedSide {
    std::unique_ptr<Files> files = std::make_unique<SimFiles>(1);
};

std::string read_text(File& file, std::uint64_t offset, std::size_t size) {
    std::string text(size, '?');
    auto n = file.read_at(offset, {reinterpret_cast<std::byte*>(text.data()), text.size()});
    EXPECT_TRUE(n.ok()) << n.error().message;
    text.resize(n ? *n : 0);
    return text;
}

template <class Side>
class FilesTest : public testing::Test {
  protected:
    FilesTest() { EXPECT_TRUE(files().make_directories("").ok()); }
    Files& files() { return *side_.files; }

    std::unique_ptr<File> open(std::string_view path, OpenMode mode = OpenMode::create) {
        auto file = files().open(path, mode);
        if (!file) {
            ADD_FAILURE() << file.error().message;
            std::abort();
        }
        return std::move(*file);
    }

  private:
    Side side_;
};

struct SideNames {
    template <class Side>
    static std::string GetName(int) {
        return std::is_same_v<Side, RealSide> ? "Posix" : "Simulated";
    }
};
using Sides = testing::Types<RealSide, SimulatedSide>;
TYPED_TEST_SUITE(FilesTest, Sides, SideNames);

TYPED_TEST(FilesTest, WhatWasWrittenIsRead) {
    auto file = this->open("a");
    EXPECT_EQ(file->path(), "a");
    ASSERT_TRUE(file->write_at(0, as_bytes("hello world")).ok());
    ASSERT_TRUE(file->write_at(6, as_bytes("there")).ok());
    EXPECT_EQ(read_text(*file, 0, 100), "hello there");
    EXPECT_EQ(read_text(*file, 6, 3), "the");
    EXPECT_EQ(*file->size(), 11u);
}

TYPED_TEST(FilesTest, ReadingBeyondTheEndGivesNothing) {
    auto file = this->open("a");
    ASSERT_TRUE(file->write_at(0, as_bytes("abc")).ok());
    EXPECT_EQ(read_text(*file, 3, 10), "");
    EXPECT_EQ(read_text(*file, 1'000'000, 10), "");
}

TYPED_TEST(FilesTest, AGapReadsAsZeros) {
    auto file = this->open("a");
    ASSERT_TRUE(file->write_at(10'000, as_bytes("x")).ok());
    EXPECT_EQ(*file->size(), 10'001u);
    EXPECT_EQ(read_text(*file, 9'998, 3), std::string("\0\0x", 3));
    EXPECT_EQ(read_text(*file, 0, 4097), std::string(4097, '\0'));
}

TYPED_TEST(FilesTest, GatheredPiecesLieOneAfterTheOther) {
    auto file = this->open("a");
    std::string expected;
    std::vector<std::string> texts;
    for (int i = 0; i < 1'000; ++i)
        texts.push_back(std::string(static_cast<std::size_t>(i % 37), char('a' + i % 26)));
    std::vector<Bytes> pieces;
    for (const auto& text : texts)
        pieces.push_back(as_bytes(text)), expected += text;
    ASSERT_TRUE(file->write_at(5, pieces).ok());
    EXPECT_EQ(read_text(*file, 5, 100'000), expected);
    ASSERT_TRUE(file->write_at(0, std::span<const Bytes>()).ok());
}

TYPED_TEST(FilesTest, ReadNowGivesAPrefixOfWhatIsThere) {
    auto file = this->open("a");
    ASSERT_TRUE(file->write_at(0, as_bytes("just written")).ok());
    std::array<std::byte, 12> into{};
    const std::size_t n = file->read_now(0, into);
    EXPECT_EQ(as_text(Bytes(into).first(n)), std::string("just written").substr(0, n));
    EXPECT_EQ(file->read_now(100, into), 0u);
}

TYPED_TEST(FilesTest, AllocatedSpaceIsPartOfTheFileAndZero) {
    auto file = this->open("a");
    ASSERT_TRUE(file->write_at(0, as_bytes("head")).ok());
    ASSERT_TRUE(file->allocate(20'000).ok());
    EXPECT_EQ(*file->size(), 20'000u);
    EXPECT_EQ(read_text(*file, 0, 6), std::string("head\0\0", 6));
    ASSERT_TRUE(file->allocate(100).ok());
    EXPECT_EQ(*file->size(), 20'000u);
}

TYPED_TEST(FilesTest, WhatWasCutOffDoesNotComeBackWhenTheFileGrows) {
    auto file = this->open("a");
    ASSERT_TRUE(file->write_at(0, as_bytes(std::string(9'000, 'x'))).ok());
    ASSERT_TRUE(file->truncate(10).ok());
    EXPECT_EQ(*file->size(), 10u);
    ASSERT_TRUE(file->truncate(9'000).ok());
    EXPECT_EQ(read_text(*file, 0, 9'000), std::string(10, 'x') + std::string(8'990, '\0'));
}

TYPED_TEST(FilesTest, OpenModesSayWhatIsMissingOrInTheWay) {
    auto missing = this->files().open("none", OpenMode::read);
    ASSERT_FALSE(missing.ok());
    EXPECT_EQ(missing.error().code, Errc::not_found);
    EXPECT_THAT(missing.error().message, HasSubstr("none"));
    EXPECT_EQ(this->files().open("none", OpenMode::write).error().code, Errc::not_found);
    EXPECT_EQ(this->files().open("no/such/place", OpenMode::create).error().code, Errc::not_found);
    this->open("here", OpenMode::create_new);
    EXPECT_EQ(this->files().open("here", OpenMode::create_new).error().code, Errc::exists);
    EXPECT_EQ(this->files().open("", OpenMode::read).error().code, Errc::invalid);
}

TYPED_TEST(FilesTest, AReadOnlyFileRefusesWrites) {
    this->open("a");
    auto file = this->open("a", OpenMode::read);
    EXPECT_FALSE(file->write_at(0, as_bytes("x")).ok());
}

TYPED_TEST(FilesTest, ListingNamesAreSortedAndDirect) {
    ASSERT_TRUE(this->files().make_directories("log/deep").ok());
    this->open("log/b"), this->open("log/a"), this->open("log/deep/x"), this->open("logbook");
    EXPECT_THAT(*this->files().list("log"), ElementsAre("a", "b", "deep"));
    EXPECT_THAT(*this->files().list(""), ElementsAre("log", "logbook"));
    EXPECT_THAT(*this->files().list("log/deep"), ElementsAre("x"));
    EXPECT_EQ(this->files().list("none").error().code, Errc::not_found);
}

TYPED_TEST(FilesTest, MakingDirectoriesTwiceIsFineOverAFileIsNot) {
    ASSERT_TRUE(this->files().make_directories("a/b").ok());
    ASSERT_TRUE(this->files().make_directories("a/b").ok());
    this->open("a/file");
    EXPECT_EQ(this->files().make_directories("a/file").error().code, Errc::exists);
}

TYPED_TEST(FilesTest, RenameReplacesItsTarget) {
    this->open("new")->write_at(0, as_bytes("new")).ok();
    this->open("current")->write_at(0, as_bytes("old")).ok();
    ASSERT_TRUE(this->files().rename("new", "current").ok());
    EXPECT_FALSE(this->files().exists("new"));
    EXPECT_EQ(read_text(*this->open("current"), 0, 9), "new");
    EXPECT_EQ(this->files().rename("new", "current").error().code, Errc::not_found);
    ASSERT_TRUE(this->files().sync_directory("").ok());
}

TYPED_TEST(FilesTest, ARemovedFileStaysUsableWhileOpen) {
    auto file = this->open("a");
    ASSERT_TRUE(file->write_at(0, as_bytes("still here")).ok());
    ASSERT_TRUE(this->files().remove("a").ok());
    EXPECT_FALSE(this->files().exists("a"));
    EXPECT_EQ(read_text(*file, 0, 99), "still here");
    EXPECT_EQ(this->files().remove("a").error().code, Errc::not_found);
}

TYPED_TEST(FilesTest, OnlyEmptyDirectoriesAreRemoved) {
    ASSERT_TRUE(this->files().make_directories("d").ok());
    this->open("d/a");
    EXPECT_EQ(this->files().remove("d").error().code, Errc::exists);
    ASSERT_TRUE(this->files().remove("d/a").ok());
    ASSERT_TRUE(this->files().remove("d").ok());
    EXPECT_THAT(*this->files().list(""), IsEmpty());
}

TYPED_TEST(FilesTest, ASecondLockIsRefusedAndNamesTheHolder) {
    auto lock = this->files().lock("lock");
    ASSERT_TRUE(lock.ok()) << lock.error().message;
    auto second = this->files().lock("lock");
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, Errc::busy);
    EXPECT_THAT(second.error().message, testing::ContainsRegex("process [0-9]+"));
    lock->reset();
    EXPECT_TRUE(this->files().lock("lock").ok());
}

TYPED_TEST(FilesTest, SyncsSucceed) {
    auto file = this->open("a");
    ASSERT_TRUE(file->write_at(0, as_bytes("x")).ok());
    EXPECT_TRUE(file->sync_data().ok());
    EXPECT_TRUE(this->files().sync_directory("").ok());
    EXPECT_EQ(this->files().sync_directory("none").error().code, Errc::not_found);
}

TYPED_TEST(FilesTest, AnUnnamedFileIsReadAndWrittenAndInNoDirectory) {
    auto file = this->files().open_unnamed("");
    ASSERT_TRUE(file.ok()) << file.error().message;
    ASSERT_TRUE((*file)->write_at(10, as_bytes("hello")).ok());
    EXPECT_EQ(read_text(**file, 10, 5), "hello");
    EXPECT_THAT(*this->files().list(""), IsEmpty());
    EXPECT_EQ(this->files().open_unnamed("nowhere").error().code, Errc::not_found);
}

TYPED_TEST(FilesTest, WhatWasNeverWrittenCanBeSkipped) {
    auto file = this->open("a");
    ASSERT_TRUE(file->allocate(1 << 20).ok());
    ASSERT_TRUE(file->write_at(500'000, as_bytes("here")).ok());
    const auto zeros = [&](std::uint64_t from, std::uint64_t to) {
        const std::string text = read_text(*file, from, to - from);
        return text.find_first_not_of('\0') == std::string::npos;
    };
    const std::uint64_t data = file->next_written(0);
    EXPECT_LE(data, 500'000u);
    EXPECT_TRUE(zeros(0, data));
    EXPECT_EQ(file->next_written(500'000), 500'000u);
    const std::uint64_t after = file->next_written(600'000);
    EXPECT_GE(after, 600'000u);
    EXPECT_LE(after, std::uint64_t{1 << 20});
    EXPECT_TRUE(zeros(600'000, after));
    EXPECT_EQ(file->next_written(1 << 20), std::uint64_t{1 << 20});
    EXPECT_EQ(file->next_written(2 << 20), std::uint64_t{2 << 20});
}

TYPED_TEST(FilesTest, TheRunOfTheMachineHasAName) {
    EXPECT_FALSE(this->files().boot().empty());
    EXPECT_EQ(this->files().boot(), this->files().boot());
}

TYPED_TEST(FilesTest, DiskSpaceIsPlausible) {
    auto space = this->files().disk_space();
    ASSERT_TRUE(space.ok());
    EXPECT_GT(space->total, 0u);
    EXPECT_LE(space->free, space->total);
}

TEST(PosixFiles, FullDiskIsNoSpaceAndSaysWhatToDo) {
    if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full";
    PosixFiles files("/dev");
    auto file = files.open("full", OpenMode::write);
    ASSERT_TRUE(file.ok());
    auto written = (*file)->write_at(0, as_bytes("x"));
    ASSERT_FALSE(written.ok());
    EXPECT_EQ(written.error().code, Errc::no_space);
    EXPECT_THAT(written.error().message, HasSubstr("free space"));
}

TEST(PosixFiles, DiskSpaceIsCountedAsDfDoes) {
    PosixFiles files("/");
    struct statvfs status;
    ASSERT_EQ(::statvfs("/", &status), 0);
    const auto space = files.disk_space();
    ASSERT_TRUE(space.ok());
    // Used and available together; the disk may change between the two looks.
    const double expected = static_cast<double>(status.f_blocks - status.f_bfree + status.f_bavail) *
                            static_cast<double>(status.f_frsize);
    EXPECT_NEAR(static_cast<double>(space->total), expected, expected / 1000);
}

TEST(PosixFiles, TheRootOfTheTreeIsOneSlash) {
    PosixFiles files("/");
    const auto none = files.open("nonexistent-posthorn", OpenMode::read);
    ASSERT_FALSE(none.ok());
    EXPECT_THAT(none.error().message, HasSubstr(" /nonexistent-posthorn"));
}

}  // namespace
}  // namespace posthorn::env
