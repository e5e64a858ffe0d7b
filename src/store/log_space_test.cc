// Full disks, retention and moving the living forward.
#include <string>

#include "log_test_support.h"
#include "store/log.h"

namespace posthorn::store {
namespace {

TEST_F(LogTest, AFullDiskRefusesAtTheRollAndRecoversByItself) {
    files_.set_capacity(64 << 10);
    open();
    Result<Appended> last = append(1, "first");
    int taken = 1;
    while ((last = try_append(1, std::string(1000, 'x'))))
        ++taken;
    EXPECT_EQ(last.error().code, Errc::no_space);
    EXPECT_FALSE(log_->failed());
    EXPECT_EQ(get(1, 0), "first");
    sync();
    now_ += 50;
    EXPECT_EQ(try_append(1, std::string(1000, 'x')).error().code, Errc::no_space);
    files_.set_capacity(1 << 20);
    now_ += 100;
    EXPECT_EQ(append(1, std::string(1000, 'y')).offset,
              model::QueueOffset(static_cast<std::uint64_t>(taken)));
    sync();
    reopen();
    EXPECT_EQ(all(1).size(), static_cast<std::size_t>(taken) + 1);
}

TEST_F(LogTest, AWriteThatMeetsAFullDiskIsDoneAgainWhenThereIsRoom) {
    open();
    append(1, "before");
    write();
    append(1, "meets it");
    const Position written = log_->written();
    files_.faults().write_no_space = 1;
    EXPECT_EQ(log_->write().error().code, Errc::no_space);
    EXPECT_TRUE(log_->stalled());
    EXPECT_FALSE(log_->failed());
    EXPECT_EQ(log_->written(), written);
    EXPECT_EQ(try_append(1, "refused").error().code, Errc::no_space);
    NewRecord state;
    state.kind = RecordKind::state;
    state.payload = as_bytes("state may join");
    EXPECT_TRUE(log_->append(state, now_).ok());
    EXPECT_EQ(get(1, 0), "before");
    EXPECT_EQ(log_->write().error().code, Errc::no_space);

    files_.faults().write_no_space = 0;
    write();
    EXPECT_FALSE(log_->stalled());
    EXPECT_EQ(append(1, "after").offset, model::QueueOffset(2));
    sync();
    reopen();
    EXPECT_EQ(all(1), (std::vector<std::string>{"before", "meets it", "after"}));
    EXPECT_EQ(visited_.size(), 4u);
}

TEST_F(LogTest, AKillWhileTheDiskIsFullLosesOnlyWhatWasNotWritten) {
    open();
    append(1, "before");
    write();
    append(1, std::string(1000, 'x'));
    files_.faults().write_no_space = 1;
    EXPECT_FALSE(log_->write().ok());
    files_.faults().write_no_space = 0;
    kill();
    EXPECT_EQ(all(1), (std::vector<std::string>{"before"}));
}

TEST_F(LogTest, WhatWasReservedMeetsNoFullDiskAndSurvivesWholeOrNotAtAll) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE(seed);
        env::Random random(seed);
        log_.reset();
        worker_.drop_all();
        for (const std::string& file :
             files_.exists("log") ? *files_.list("log") : std::vector<std::string>())
            ASSERT_TRUE(files_.remove("log/" + file).ok());
        if (files_.exists("log")) {
            ASSERT_TRUE(files_.sync_directory("log").ok());
        }
        open();
        std::vector<std::size_t> groups;
        for (int n = 0; n < 12; ++n) {
            if (n < 11 && random.chance(0.5)) append(9, std::string(random.below(1000), 'o'));
            const std::size_t count = random.between(1, 20);
            const std::size_t bytes = 50 + random.below(100);
            if (n == 11) files_.set_capacity(0);  // nothing more can be allocated
            if (!log_->reserve(count, count, count * bytes, ++now_)) break;
            for (std::size_t k = 0; k < count; ++k)
                ASSERT_TRUE(try_append(1, std::string(bytes, 'g')).ok());
            groups.push_back(count);
            if (random.chance(0.3)) write();
            if (n == 10 && random.chance(0.5)) {  // in the middle of a batch
                files_.halt_after(1);
                static_cast<void>(log_->write());
                break;
            }
        }
        log_.reset();
        worker_.drop_all();
        files_.power_cut(random);
        files_.set_capacity(1ull << 30);
        open();
        std::size_t left = all(1).size();
        for (std::size_t n = 0; n < groups.size() && left > 0; ++n) {
            ASSERT_GE(left, groups[n]);
            left -= groups[n];
        }
        EXPECT_EQ(left, 0u);
    }
    EXPECT_EQ(log_->reserve(1, 1, 16 << 10, now_).error().code, Errc::invalid);
}

class LogThatGetsNoSegment : public LogTest, public ::testing::WithParamInterface<bool> {};
INSTANTIATE_TEST_SUITE_P(Spare, LogThatGetsNoSegment, ::testing::Bool());

TEST_P(LogThatGetsNoSegment, SaysSoUntilMaintainFindsRoom) {
    options_.spare_segment = GetParam();
    files_.set_capacity(96 << 10);
    open();
    EXPECT_FALSE(log_->stalled());
    while (try_append(1, std::string(1000, 'x'))) {
    }
    EXPECT_TRUE(log_->stalled());
    ASSERT_TRUE(log_->maintain().ok());
    EXPECT_TRUE(log_->stalled());
    files_.set_capacity(1 << 20);
    ASSERT_TRUE(log_->maintain().ok());
    EXPECT_FALSE(log_->stalled());
    append(1, std::string(1000, 'y'));
    sync();
    reopen();
    EXPECT_EQ(all(1).back(), std::string(1000, 'y'));
}

TEST_F(LogTest, OnAFullDiskStateStillGoesIntoTheSpareSegment) {
    options_.spare_segment = true;
    files_.set_capacity(64 << 10);
    open();
    while (try_append(1, std::string(1000, 'x'))) {
    }
    sync();
    const auto say_state = [&] {
        NewRecord state;
        state.kind = RecordKind::state;
        const std::string text(500, 's');
        state.payload = as_bytes(text);
        return log_->append(state, now_);
    };
    int states = 0;
    while (states < 1000 && say_state())
        ++states;
    EXPECT_GT(states, 20);  // a segment's worth
    EXPECT_LT(states, 100);
    EXPECT_EQ(say_state().error().code, Errc::no_space);
    EXPECT_EQ(try_append(1, "tiny").error().code, Errc::no_space);  // it would fit, but the reserve is in use
    sync();
    files_.set_capacity(1 << 20);
    now_ += 1000;
    append(1, "room again");
    write();
    EXPECT_TRUE(files_.exists("log/spare"));
    const auto count = log_->range(model::QueueId(1)).end.value();
    reopen();
    EXPECT_EQ(log_->range(model::QueueId(1)).end.value(), count);
    EXPECT_EQ(get(1, count - 1), "room again");
}

TEST_F(LogTest, DroppingTheOldestMovesTheBeginAndKeepsTheEnd) {
    open();
    append(2, "only in the first segment");
    for (int n = 0; n < 500; ++n)
        append(1, std::to_string(n));
    sync();
    const auto before = log_->range(model::QueueId(1));
    const auto bytes = log_->disk_bytes();
    ASSERT_TRUE(log_->drop_oldest().ok());
    settle();
    const auto after = log_->range(model::QueueId(1));
    EXPECT_GT(after.begin, before.begin);
    EXPECT_EQ(after.end, before.end);
    EXPECT_EQ(get(1, after.begin.value()), std::to_string(after.begin.value()));
    EXPECT_EQ(get(1, after.begin.value() - 1), "none");
    EXPECT_TRUE(log_->range(model::QueueId(2)).empty());
    EXPECT_EQ(log_->range(model::QueueId(2)).end, model::QueueOffset(1));
    EXPECT_LT(log_->disk_bytes(), bytes);
    EXPECT_FALSE(files_.exists(name(0)));

    while (log_->drop_oldest().ok()) {
    }
    settle();
    EXPECT_EQ(log_->segments().size(), 1u);
    const auto last = log_->range(model::QueueId(1));
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(log_->range(model::QueueId(1)).begin, last.begin);
        EXPECT_EQ(log_->range(model::QueueId(1)).end, model::QueueOffset(500));
        EXPECT_EQ(log_->range(model::QueueId(2)).begin, model::QueueOffset(1));
        EXPECT_EQ(log_->range(model::QueueId(2)).end, model::QueueOffset(1));
        reopen();
    }
    EXPECT_EQ(append(2, "goes on").offset, model::QueueOffset(1));
}

TEST_F(LogTest, OfAMessageForSeveralQueuesOnlyTheLivePlacesMove) {
    options_.counts_live = true;
    open();
    const model::QueueId queues[] = {model::QueueId(1), model::QueueId(2), model::QueueId(3)};
    NewRecord fresh;
    fresh.queues = queues;
    fresh.payload = as_bytes("for three");
    ASSERT_TRUE(log_->append(fresh, 5).ok());
    append(4, "stays");
    for (int n = 0; n < 200; ++n)
        append(5, std::string(200, 'x'));
    sync();
    ASSERT_TRUE(log_->segments()[0].sealed);
    log_->release(model::QueueId(2), model::QueueOffset(0));
    const std::uint64_t live = log_->segments()[0].live;

    Entry found;
    Record record;
    ASSERT_EQ(entry(1, 0, &found), Read::ready);
    while (log_->record(found, &record) == Read::loading)
        settle();
    const Place places[] = {record.place(0), record.place(2)};
    ASSERT_TRUE(log_->append_moved(record, places).ok());
    EXPECT_EQ(log_->segments()[0].live, live - 2);
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(get(1, 0), "for three");
        EXPECT_EQ(get(3, 0), "for three");
        EXPECT_EQ(get(4, 0), "stays");
        sync();
        reopen();
        log_->release(model::QueueId(2), model::QueueOffset(0));  // as the notes say
        EXPECT_EQ(log_->segments()[0].live, live - 2);
    }
}

TEST_F(LogTest, DeadSegmentsVanishAndLiveMessagesMoveForward) {
    options_.counts_live = true;
    open();
    for (int n = 0; n < 600; ++n)
        append(1 + n % 2, "message " + std::to_string(n));
    sync();
    const auto segments = log_->segments();
    ASSERT_GT(segments.size(), 3u);
    ASSERT_TRUE(segments[0].sealed);
    const std::uint64_t in_first = segments[0].live;
    ASSERT_GT(in_first, 50u);
    for (std::uint64_t n = 0; n < in_first; ++n)
        if (n != 20 && n != 21)
            log_->release(model::QueueId(static_cast<std::uint32_t>(1 + n % 2)), model::QueueOffset(n / 2));
    EXPECT_EQ(log_->segments()[0].live, 2u);
    ASSERT_TRUE(log_->maintain().ok());
    EXPECT_EQ(log_->segments().size(), segments.size());

    for (const std::uint32_t queue : {1u, 2u}) {
        Entry found;
        Record record;
        ASSERT_EQ(entry(queue, 10, &found), Read::ready);
        while (log_->record(found, &record) == Read::loading)
            settle();
        const Place live[] = {record.place(0)};
        ASSERT_TRUE(log_->append_moved(record, live).ok());
    }
    EXPECT_EQ(log_->segments()[0].live, 0u);
    EXPECT_EQ(log_->segments().back().live, segments.back().live + 2);
    EXPECT_EQ(get(1, 10), "message 20");
    sync();
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(get(1, 10), "message 20") << round;
        EXPECT_EQ(get(2, 10), "message 21") << round;
        EXPECT_EQ(get(1, 299), "message 598") << round;
        EXPECT_EQ(log_->segments()[0].live > 100, round == 1)
            << round;  // the second time it is another segment
        if (round == 0) {
            reopen();  // both copies are on the disk: the newer one counts
            EXPECT_EQ(get(1, 10), "message 20");
            for (std::uint64_t n = 0; n < in_first; ++n)
                if (n != 20 && n != 21)
                    log_->release(model::QueueId(static_cast<std::uint32_t>(1 + n % 2)),
                                  model::QueueOffset(n / 2));
            EXPECT_EQ(log_->segments()[0].live, 0u);
            ASSERT_TRUE(log_->maintain().ok());
            settle();
            EXPECT_FALSE(files_.exists(name(0)));
            EXPECT_EQ(log_->range(model::QueueId(1)).begin, model::QueueOffset(10));
        } else if (round == 1) {
            for (int n = 0; n < 300; ++n)
                append(3, "seals what was moved");
            sync();
            reopen();
            break;
        }
    }
    EXPECT_EQ(get(1, 10), "message 20");
    EXPECT_EQ(get(2, 10), "message 21");
    EXPECT_EQ(get(1, 11), "none");
    EXPECT_EQ(log_->range(model::QueueId(1)).begin, model::QueueOffset(10));
}

TEST_F(LogTest, ADeadSegmentStaysUntilTheCopyItsLastMessageWasSettledForIsSynced) {
    options_.counts_live = true;
    open();
    for (int n = 0; n < 200; ++n)
        append(1, "message " + std::to_string(n));
    sync();
    ASSERT_TRUE(log_->segments()[0].sealed);
    const std::uint64_t in_first = log_->segments()[0].live;
    for (std::uint64_t n = 1; n < in_first; ++n)
        log_->release(model::QueueId(1), model::QueueOffset(n));
    append(2, "message 0");  // as a dead letter
    log_->release(model::QueueId(1), model::QueueOffset(0));
    write();
    ASSERT_TRUE(log_->maintain().ok());
    EXPECT_EQ(log_->segments()[0].begin, Position(0));
    sync();
    ASSERT_TRUE(log_->maintain().ok());
    EXPECT_GT(log_->segments()[0].begin, Position(0));
}

TEST_F(LogTest, ADeadSegmentStaysUntilWhatWasMovedFromItIsSynced) {
    options_.counts_live = true;
    open();
    for (int n = 0; n < 200; ++n)
        append(1, "message " + std::to_string(n));
    sync();
    const std::uint64_t in_first = log_->segments()[0].live;
    for (std::uint64_t n = 1; n < in_first; ++n)
        log_->release(model::QueueId(1), model::QueueOffset(n));
    Entry found;
    Record record;
    ASSERT_EQ(entry(1, 0, &found), Read::ready);
    while (log_->record(found, &record) == Read::loading)
        settle();
    const Place live[] = {record.place(0)};
    write();
    log_->request_sync();
    settle();
    ASSERT_TRUE(log_->append_moved(record, live).ok());
    ASSERT_TRUE(log_->maintain().ok());
    EXPECT_EQ(log_->segments()[0].begin, Position(0));
    sync();
    ASSERT_TRUE(log_->maintain().ok());
    EXPECT_GT(log_->segments()[0].begin, Position(0));
}

TEST_F(LogTest, WhenAllSealedSegmentsGoAtOnceTheNewestIndexStays) {
    options_.counts_live = true;
    open();
    append(7, "an offset that must not be given twice");
    for (int n = 0; n < 200; ++n)
        append(1, std::string(300, 'x'));
    append(7, "in the last sealed segment");
    for (int n = 0; n < 80; ++n)
        append(1, std::string(300, 'y'));
    sync();
    settle();
    const auto segments = log_->segments();
    ASSERT_GT(segments.size(), 3u);
    ASSERT_TRUE(segments[segments.size() - 2].sealed);
    const std::uint64_t end = log_->range(model::QueueId(1)).end.value();
    for (std::uint64_t n = 0; n < end; ++n)
        log_->release(model::QueueId(1), model::QueueOffset(n));
    for (std::uint64_t n = 0; n < 2; ++n)
        log_->release(model::QueueId(7), model::QueueOffset(n));
    ASSERT_TRUE(log_->maintain().ok());
    settle();
    ASSERT_EQ(log_->segments().size(), 1u);
    reopen();
    EXPECT_EQ(log_->counters().damaged, 0u);
    EXPECT_EQ(append(7, "next").offset, model::QueueOffset(2));
    EXPECT_EQ(append(1, "next").offset, model::QueueOffset(end));
}

}  // namespace
}  // namespace posthorn::store
