// Opening a log whose last segments were still being written.
#include <string>
#include <vector>

#include "log_test_support.h"
#include "store/log.h"

namespace posthorn::store {
namespace {

TEST_F(LogTest, AKillKeepsWhatWasWrittenAndLosesTheRest) {
    open();
    append(1, "written");
    write();
    append(1, "only appended");
    kill();
    EXPECT_EQ(all(1), (std::vector<std::string>{"written"}));
    EXPECT_EQ(visited_, (std::vector<std::string>{"written"}));
    EXPECT_FALSE(log_->recovered().torn);
    EXPECT_EQ(append(1, "next").offset, model::QueueOffset(1));
}

TEST_F(LogTest, ATornTailIsCutWhereverItTears) {
    open();
    append(1, "kept");
    write();
    const auto begin = log_->written().value();
    append(1, "torn one");
    append(1, "torn two, a little longer");
    write();
    const auto end = log_->written().value();
    log_.reset();

    for (std::uint64_t tear = begin; tear < end; ++tear) {
        // A crash that wrote a prefix of the batch, with garbage behind in every second case.
        auto file = std::move(*files_.open(name(0), env::OpenMode::write));
        std::vector<std::byte> original(end - begin);
        ASSERT_TRUE(file->read_at(begin, original).ok());
        const std::vector<std::byte> rest(end - tear, tear % 2 ? std::byte{0} : std::byte{0xA5});
        ASSERT_TRUE(file->write_at(tear, rest).ok());
        std::vector<std::byte> torn(end - begin);
        ASSERT_TRUE(file->read_at(begin, torn).ok());
        const bool whole = torn == original;  // zeros where the padding was
        open();
        ASSERT_EQ(all(1), whole ? (std::vector<std::string>{"kept", "torn one", "torn two, a little longer"})
                                : (std::vector<std::string>{"kept"}))
            << tear;
        ASSERT_EQ(log_->recovered().cut.value(), whole ? end : begin);
        ASSERT_EQ(log_->counters().damaged, 0u);
        append(1, "after");
        write();
        reopen();
        ASSERT_EQ(all(1).back(), "after");
        log_.reset();
        // Back to how it was.
        ASSERT_TRUE(file->write_at(begin, std::vector<std::byte>(4096)).ok());
        ASSERT_TRUE(file->write_at(begin, original).ok());
    }
}

TEST_F(LogTest, ABatchLeftBehindTheCutDoesNotComeBack) {
    open();
    append(1, "kept");
    write();
    const auto torn_at = log_->written().value();
    append(1, "torn");
    write();
    const auto stale_at = log_->written().value();
    append(1, "stale but good");
    write();
    lose_power_with_all_on_disk();
    ASSERT_TRUE(files_.damage(name(0), torn_at + 50).ok());  // nothing says it was synced
    open();
    EXPECT_TRUE(log_->recovered().torn);
    EXPECT_EQ(log_->end().value(), torn_at);
    append(1, "TORN");  // as long as what was there: ends exactly where the stale batch began
    write();
    EXPECT_EQ(log_->written().value(), stale_at);
    kill();
    EXPECT_EQ(all(1), (std::vector<std::string>{"kept", "TORN"}));
}

TEST_F(LogTest, DamageBeforeTheSyncedPositionIsNamedAndNeverServed) {
    open();
    append(1, "before");
    sync();
    const auto bad = append(1, "hit by rot");
    append(2, "in the same batch");
    sync();
    append(1, "after");
    append(2, "after too");
    sync();
    append(1, "vouches for all before");
    sync();
    const Position end = log_->end();
    log_.reset();
    ASSERT_TRUE(files_.damage(name(0), bad.position.value() + 61).ok());
    for (int round = 0; round < 3; ++round) {
        open();
        EXPECT_EQ(log_->counters().damaged, round < 2 ? 1u : 0u) << round;
        EXPECT_FALSE(log_->recovered().torn);
        EXPECT_EQ(log_->end(), end);
        EXPECT_EQ(all(1), (std::vector<std::string>{"before", "damaged", "after", "vouches for all before"}));
        EXPECT_EQ(all(2), (std::vector<std::string>{"damaged", "after too"}));
        Record record;
        EXPECT_NE(log_->record_at(bad.position, &record), Read::ready);
        if (round == 1) {  // and the same once it is sealed
            for (int n = 0; n < 20; ++n)
                append(9, std::string(1900, 'x'));
            sync();
            settle();
            ASSERT_TRUE(log_->segments()[0].sealed);
            EXPECT_EQ(all(1),
                      (std::vector<std::string>{"before", "damaged", "after", "vouches for all before"}));
            break;
        }
        log_.reset();
    }
    reopen();
    EXPECT_EQ(all(1), (std::vector<std::string>{"before", "damaged", "after", "vouches for all before"}));
    EXPECT_EQ(all(2), (std::vector<std::string>{"damaged", "after too"}));
}

TEST_F(LogTest, ARottenByteInTheActiveSegmentCostsItsBatchAndNoneBehindIt) {
    open();
    append(1, "before");
    write();
    const auto bad = append(1, "hit by rot");
    write();
    append(1, "after");
    write();
    append(2, "last");
    write();
    log_.reset();
    files_.kill();  // the machine runs on: nothing that was written can be torn
    ASSERT_TRUE(files_.damage(name(0), bad.position.value() + 61).ok());
    open();
    EXPECT_TRUE(log_->recovered().same_boot);
    EXPECT_FALSE(log_->recovered().torn);
    EXPECT_EQ(log_->counters().damaged, 1u);
    EXPECT_EQ(all(1), (std::vector<std::string>{"before", "damaged", "after"}));
    EXPECT_EQ(all(2), (std::vector<std::string>{"last"}));
    EXPECT_EQ(append(1, "next").offset, model::QueueOffset(3));
}

TEST_F(LogTest, AnEndThatCannotBeReadForAMomentIsNotCut) {
    for (const bool power_cut : {false, true}) {
        SCOPED_TRACE(power_cut);
        open();
        std::vector<std::string> texts = all(1);
        for (int n = 0; n < 6; ++n) {
            texts.push_back(std::to_string(n) + std::string(900, '.'));
            append(1, texts.back());
            write();
        }
        sync();
        const std::uint64_t end = log_->end().value();
        log_.reset();
        worker_.drop_all();
        power_cut ? files_.power_cut(random_) : files_.kill();
        files_.fail_reads_at(name(0), end - 1);
        auto opened = Log::open(files_, "log", options_, worker_, {});
        ASSERT_FALSE(opened.ok());
        EXPECT_EQ(opened.error().code, Errc::io);
        files_.fail_reads_at("", 0);
        open();
        EXPECT_EQ(all(1), texts);
        EXPECT_EQ(log_->end(), Position(end));
        log_.reset();
    }
}

TEST_F(LogTest, AnIndexIsNotMadeAgainWithoutWhatCannotBeReadForAMoment) {
    open();
    for (int n = 0; n < 300; ++n)
        append(1, "message " + std::to_string(n));
    sync();
    ASSERT_TRUE(log_->segments()[0].sealed);
    const auto texts = all(1);
    log_.reset();
    auto index = std::move(*files_.open(name(0, ".idx"), env::OpenMode::read));
    ASSERT_TRUE(files_.damage(name(0, ".idx"), *index->size() - 60).ok());
    files_.fail_reads_at(name(0), 5000);
    EXPECT_EQ(Log::open(files_, "log", options_, worker_, {}).error().code, Errc::io);
    files_.fail_reads_at("", 0);
    open();
    EXPECT_EQ(all(1), texts);
}

TEST_F(LogTest, AnOpeningThatEndsHalfwayDoesNotMakeATornTailLookLikeDamage) {
    for (std::uint64_t steps = 1; steps < 12; ++steps) {
        SCOPED_TRACE(steps);
        log_.reset();
        for (const char* file : {"log/boot", "log/00000000000000000000.seg"})
            if (files_.exists(file)) {
                ASSERT_TRUE(files_.remove(file).ok());
            }
        open();
        append(1, "kept");
        write();
        const auto torn_at = log_->written().value();
        append(1, "torn");
        write();
        append(1, "good but behind it");
        write();
        lose_power_with_all_on_disk();
        ASSERT_TRUE(files_.damage(name(0), torn_at + 50).ok());
        files_.halt_after(steps);
        static_cast<void>(Log::open(files_, "log", options_, worker_, {}));
        worker_.drop_all();
        files_.kill();
        open();
        EXPECT_EQ(all(1), (std::vector<std::string>{"kept"}));
        EXPECT_EQ(log_->counters().damaged, 0u);
    }
}

TEST_F(LogTest, ACleanEndVouchesForEverythingOverARestartOfTheMachine) {
    open();
    append(1, "before");
    write();
    const auto bad = append(1, "hit by rot");
    write();
    append(1, "after");
    ASSERT_TRUE(log_->close().ok());
    ASSERT_TRUE(log_->close().ok());  // a second mark would say nothing new
    const Position end = log_->end();
    log_.reset();
    files_.power_cut(random_);
    ASSERT_TRUE(files_.damage(name(0), bad.position.value() + 61).ok());
    open();
    EXPECT_FALSE(log_->recovered().torn);
    EXPECT_EQ(all(1), (std::vector<std::string>{"before", "damaged", "after"}));
    EXPECT_EQ(visited_, (std::vector<std::string>{"before", "after"})) << "the mark is shown to nobody";
    EXPECT_EQ(log_->end(), end);
    ASSERT_TRUE(log_->close().ok());
    EXPECT_EQ(log_->end(), end) << "nothing came after the mark";
}

TEST_F(LogTest, WhatRecoveryReadIsInTheTailAgain) {
    open();
    std::vector<std::string> texts;
    for (int n = 0; n < 50; ++n) {  // several batches, and more than the tail holds
        texts.push_back(std::to_string(n) + std::string(300, '.'));
        append(1, texts.back());
        write();
    }
    kill();
    for (std::size_t n = 35; n < 50; ++n)
        EXPECT_EQ(get(1, n), texts[n]);
    EXPECT_EQ(log_->counters().cold_loads, 0u);
    EXPECT_EQ(all(1), texts);
    EXPECT_GT(log_->counters().cold_loads, 0u);
}

TEST_F(LogTest, WhatAFailedSyncLeftIsBroughtToTheDiskWhenTheLogIsOpened) {
    open();
    append(1, "synced");
    sync();
    append(1, "shown, but not on the disk");
    write();
    files_.fail_sync(1);
    log_->request_sync();
    settle();
    ASSERT_TRUE(log_->failed());
    kill();  // the pages are clean now: a sync alone would bring nothing
    EXPECT_EQ(all(1).size(), 2u);
    log_.reset();
    worker_.drop_all();
    files_.power_cut(random_);
    open();
    EXPECT_EQ(all(1), (std::vector<std::string>{"synced", "shown, but not on the disk"}));
}

TEST_F(LogTest, AnotherStoresFilesAreRefused) {
    open();
    append(1, "a");
    write();
    log_.reset();
    options_.store_id = 78;
    auto opened = Log::open(files_, "log", options_, worker_, {});
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, Errc::invalid);
}

}  // namespace
}  // namespace posthorn::store
