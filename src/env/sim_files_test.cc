#include "env/sim_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

namespace posthorn::env {
namespace {

using testing::HasSubstr;

std::unique_ptr<File> open(SimFiles& files, std::string_view path, OpenMode mode = OpenMode::create) {
    auto file = files.open(path, mode);
    POSTHORN_CHECK(file.ok(), "the test's file does not open");
    return std::move(*file);
}

std::string content(SimFiles& files, std::string_view path) {
    auto file = files.open(path, OpenMode::read);
    if (!file) return "(missing)";
    std::string text(*(*file)->size(), '?');
    auto n = (*file)->read_at(0, {reinterpret_cast<std::byte*>(text.data()), text.size()});
    return n.ok() && *n == text.size() ? text : "(unreadable)";
}

/// A machine with one file, name and content safe on disk.
struct OneFile {
    explicit OneFile(std::uint64_t seed, std::string_view text = {}) : files(seed) {
        POSTHORN_CHECK(files.make_directories("").ok(), "root");
        file = open(files, "a");
        if (!text.empty()) put(0, text);
        POSTHORN_CHECK(file->sync_data().ok() && files.sync_directory("").ok(), "sync");
    }
    void put(std::uint64_t offset, std::string_view text) {
        POSTHORN_CHECK(file->write_at(offset, as_bytes(text)).ok(), "write");
    }
    SimFiles files;
    std::unique_ptr<File> file;
};

/// What one history shows after a power cut, over many seeds.
template <class History>
std::set<std::string> outcomes(History history, int seeds = 2'000) {
    std::set<std::string> seen;
    for (int seed = 0; seed < seeds; ++seed) {
        Random random(static_cast<std::uint64_t>(seed));
        seen.insert(history(random));
    }
    return seen;
}

TEST(SimPowerCut, WhatWasSyncedIsAlwaysThere) {
    const auto seen = outcomes([](Random& random) {
        OneFile world(1, "synced");
        world.files.power_cut(random);
        return content(world.files, "a");
    });
    EXPECT_THAT(seen, testing::ElementsAre("synced"));
}

TEST(SimPowerCut, UnsyncedNamesMayBeLostAndUnsyncedFilesAreGoneThen) {
    const auto seen = outcomes([](Random& random) {
        SimFiles files(1);
        EXPECT_TRUE(files.make_directories("").ok());
        auto file = open(files, "a");
        EXPECT_TRUE(file->write_at(0, as_bytes("x")).ok() && file->sync_data().ok());
        files.power_cut(random);
        return content(files, "a");
    });
    EXPECT_THAT(seen, testing::ElementsAre("(missing)", "x"));
}

TEST(SimPowerCut, UnsyncedWritesAreKeptOrLost) {
    const auto seen = outcomes([](Random& random) {
        OneFile world(1, "old");
        world.put(0, "new");
        world.files.power_cut(random);
        return content(world.files, "a");
    });
    EXPECT_THAT(seen, testing::ElementsAre("new", "old"));
}

TEST(SimPowerCut, PagesReachTheDiskInAnyOrder) {
    const auto seen = outcomes([](Random& random) {
        OneFile world(1, std::string(8192, '.'));
        world.put(0, "1"), world.put(4096, "2");
        world.files.power_cut(random);
        const std::string text = content(world.files, "a");
        return std::string{text[0], text[4096]};
    });
    EXPECT_THAT(seen, testing::ElementsAre("..", ".2", "1.", "12"));
}

TEST(SimPowerCut, WithinAPageAnEarlierWriteIsNeverLostAloneButSectorsTear) {
    const auto seen = outcomes([](Random& random) {
        OneFile world(1, std::string(4096, '.'));
        world.put(0, "1"), world.put(1, "2"), world.put(2048, "3");
        world.files.power_cut(random);
        const std::string text = content(world.files, "a");
        return std::string{text[0], text[1], text[2048]};
    });
    EXPECT_TRUE(seen.contains("...") && seen.contains("1..") && seen.contains("12.") && seen.contains("123"));
    EXPECT_TRUE(seen.contains("..3"))
        << "a torn page: the later sector reached the disk, the earlier did not";
    EXPECT_FALSE(seen.contains(".2.") || seen.contains(".23")) << "the same sector, out of order";
}

TEST(SimPowerCut, AGrownFileMayBeShortOrFullOfZeros) {
    const auto seen = outcomes([](Random& random) {
        OneFile world(1);
        world.put(0, "x");
        world.files.power_cut(random);
        return content(world.files, "a");
    });
    EXPECT_THAT(seen, testing::ElementsAre("", std::string(1, '\0'), "x"));
}

TEST(SimPowerCut, CutAndRewrittenBytesNeverShowWhatWasBeforeTheCutOnceTheNewLengthIsThere) {
    const auto seen = outcomes([](Random& random) {
        OneFile world(1, "abcdef");
        EXPECT_TRUE(world.file->truncate(2).ok());
        world.put(2, "XY");
        world.files.power_cut(random);
        return content(world.files, "a");
    });
    for (const std::string& text : seen) {
        EXPECT_TRUE(text.size() != 4 || text == "abXY" || text == std::string("ab\0\0", 4)) << text;
    }
    EXPECT_TRUE(seen.contains("abcdef") && seen.contains("abXY"));
}

TEST(SimPowerCut, RenameIsAllOrNothing) {
    const auto seen = outcomes([](Random& random) {
        OneFile world(1, "old");
        auto next = open(world.files, "next");
        EXPECT_TRUE(next->write_at(0, as_bytes("new")).ok() && next->sync_data().ok());
        EXPECT_TRUE(world.files.rename("next", "a").ok());
        world.files.power_cut(random);
        return content(world.files, "a");
    });
    EXPECT_THAT(seen, testing::ElementsAre("new", "old"));
}

TEST(SimPowerCut, AnUnsyncedRemoveMayComeBack) {
    const auto seen = outcomes([](Random& random) {
        OneFile world(1, "text");
        EXPECT_TRUE(world.files.remove("a").ok());
        world.files.power_cut(random);
        return content(world.files, "a");
    });
    EXPECT_THAT(seen, testing::ElementsAre("(missing)", "text"));
}

TEST(SimPowerCut, OpenFilesAndLocksAreDead) {
    OneFile world(1, "text");
    auto lock = world.files.lock("lock");
    ASSERT_TRUE(lock.ok());
    Random random(7);
    world.files.power_cut(random);
    EXPECT_EQ(world.file->write_at(0, as_bytes("x")).error().code, Errc::io);
    EXPECT_FALSE(world.file->sync_data().ok());
    auto again = world.files.lock("lock");
    EXPECT_TRUE(again.ok());
    lock->reset();
    EXPECT_EQ(world.files.lock("lock").error().code, Errc::busy)
        << "the dead lock must not release the new one";
}

TEST(SimKill, KeepsAllThatWasWrittenAndStillOwesTheSync) {
    const auto seen = outcomes([](Random& random) {
        OneFile world(1, "old");
        world.put(0, "new");
        world.files.kill();
        EXPECT_EQ(content(world.files, "a"), "new");
        EXPECT_FALSE(world.file->size().ok());
        world.files.power_cut(random);
        return content(world.files, "a");
    });
    EXPECT_THAT(seen, testing::ElementsAre("new", "old"));
}

TEST(SimHalt, CutsTheAimedStepAndRefusesTheRest) {
    const auto seen = outcomes([](Random& random) {
        OneFile world(random(), "....");
        world.files.halt_after(2);
        world.put(0, "1");
        EXPECT_EQ(world.file->write_at(1, as_bytes("23")).error().code, Errc::io);
        EXPECT_TRUE(world.files.halted());
        EXPECT_FALSE(world.file->write_at(0, as_bytes("9")).ok());
        EXPECT_FALSE(world.files.open("a", OpenMode::read).ok());
        world.files.kill();
        EXPECT_FALSE(world.files.halted());
        return content(world.files, "a");
    });
    EXPECT_THAT(seen, testing::ElementsAre("1...", "12..", "123."));
}

TEST(SimFaultInjection, TheNthWriteFailsOnceWithAPrefixWritten) {
    OneFile world(3, "....");
    world.files.fail_write(2, Errc::no_space);
    world.put(0, "1");
    auto failed = world.file->write_at(1, as_bytes("23"));
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().code, Errc::no_space);
    EXPECT_THAT(failed.error().message, HasSubstr("a"));
    world.put(1, "ab");
    EXPECT_EQ(content(world.files, "a"), "1ab.");
}

TEST(SimFaultInjection, AfterAFailedSyncThePagesMayBeLostThoughTheNextSyncSucceeds) {
    const auto seen = outcomes([](Random& random) {
        OneFile world(random(), "old");
        world.put(0, "new");
        world.files.fail_sync(1);
        EXPECT_EQ(world.file->sync_data().error().code, Errc::io);
        EXPECT_EQ(content(world.files, "a"), "new");
        EXPECT_TRUE(world.file->sync_data().ok());
        world.files.power_cut(random);
        return content(world.files, "a");
    });
    EXPECT_THAT(seen, testing::ElementsAre("new", "old"));
}

TEST(SimFaultInjection, ReadNowFallsShortSoThatTheSlowWayRuns) {
    OneFile world(5, "0123456789");
    world.files.faults().not_now = 0.5;
    std::set<std::size_t> sizes;
    std::array<std::byte, 10> into{};
    for (int i = 0; i < 500; ++i)
        sizes.insert(world.file->read_now(0, into));
    EXPECT_EQ(sizes.size(), 11u);
}

TEST(SimFaultInjection, DamageChangesOneBitForGood) {
    OneFile world(1, "aaaa");
    ASSERT_TRUE(world.files.damage("a", 2, 1).ok());
    EXPECT_EQ(content(world.files, "a"), "aaca");
    Random random(1);
    world.files.power_cut(random);
    EXPECT_EQ(content(world.files, "a"), "aaca");
    EXPECT_FALSE(world.files.damage("a", 4).ok());
}

TEST(SimCapacity, AFullDiskRefusesAndRemovingGivesSpaceBack) {
    OneFile world(1);
    world.files.set_capacity(16 * 4096);
    ASSERT_TRUE(world.file->allocate(10 * 4096).ok());
    auto other = open(world.files, "b");
    EXPECT_EQ(other->allocate(7 * 4096).error().code, Errc::no_space);
    EXPECT_EQ(other->write_at(0, as_bytes(std::string(7 * 4096, 'x'))).error().code, Errc::no_space);
    EXPECT_EQ(*other->size(), 6u * 4096) << "the part that fits";
    EXPECT_EQ(world.files.disk_space()->free, 0u);
    EXPECT_TRUE(world.file->write_at(0, as_bytes(std::string(10 * 4096, 'y'))).ok()) << "reserved before";
    ASSERT_TRUE(world.files.remove("b").ok());
    EXPECT_EQ(world.files.disk_space()->free, 0u) << "still open";
    other.reset();
    EXPECT_EQ(world.files.disk_space()->free, 6u * 4096);
}

/// One random history: everything observable goes into the result.
std::string history(std::uint64_t seed) {
    Random random(seed);
    SimFiles files(random());
    files.faults() = {0.01, 0.01, 0.01, 0.01, 0.2};
    std::string story;
    for (int round = 0; round < 3; ++round) {
        if (auto made = files.make_directories("d"); !made) story += made.error().message;
        files.halt_after(random.between(1, 120));
        for (int step = 0; step < 100; ++step) {
            const std::string path = "d/" + std::to_string(random.below(4));
            auto file = files.open(path, OpenMode::create);
            if (!file) continue;
            const std::string text(random.between(1, 6000), char('a' + step % 26));
            (void)(*file)->write_at(random.below(20'000), as_bytes(text));
            if (random.chance(0.1)) (void)(*file)->sync_data();
            if (random.chance(0.1)) (void)(*file)->truncate(random.below(20'000));
            if (random.chance(0.1)) (void)files.sync_directory("d");
            if (random.chance(0.1)) (void)files.rename(path, "d/" + std::to_string(random.below(4)));
            if (random.chance(0.1)) (void)files.remove(path);
        }
        if (random.chance(0.7))
            files.power_cut(random);
        else
            files.kill();
        files.faults().read_error = 0;
        if (const auto names = files.list("d"); names.ok()) {
            for (const std::string& name : *names)
                story += name + ":" + content(files, "d/" + name);
        }
    }
    return story;
}

TEST(SimFiles, AnUnnamedFileUsesTheDiskUntilItIsClosedOrTheMachineStops) {
    SimFiles files(1);
    ASSERT_TRUE(files.make_directories("").ok());
    const std::uint64_t free = files.disk_space()->free;
    auto file = files.open_unnamed("");
    ASSERT_TRUE((*file)->write_at(0, as_bytes(std::string(10'000, 'x'))).ok());
    EXPECT_EQ(files.disk_space()->free, free - 3 * 4096);
    file->reset();
    EXPECT_EQ(files.disk_space()->free, free);

    auto lost = files.open_unnamed("");
    ASSERT_TRUE((*lost)->write_at(0, as_bytes("x")).ok());
    files.kill();
    EXPECT_EQ(files.disk_space()->free, free);
    EXPECT_FALSE((*lost)->write_at(0, as_bytes("x")).ok());
}

TEST(SimFiles, TheRunOfTheMachineEndsWithItsPower) {
    SimFiles files(1);
    Random random(1);
    const std::string before = files.boot();
    files.kill();
    EXPECT_EQ(files.boot(), before);
    files.power_cut(random);
    EXPECT_NE(files.boot(), before);
}

TEST(SimFiles, TheSameSeedGivesTheSameHistory) {
    std::set<std::string> different;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        const std::string story = history(seed);
        EXPECT_EQ(story, history(seed)) << "seed " << seed;
        different.insert(story);
    }
    EXPECT_GT(different.size(), 190u);
}

}  // namespace
}  // namespace posthorn::env
