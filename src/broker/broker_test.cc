#include <gtest/gtest.h>

#include "broker_test_support.h"
#include "state_records.h"

namespace posthorn::broker {
namespace {

using Texts = World::Texts;

struct Told final : Waiter {
    int times = 0;
    void on_readable() override { ++times; }
};

TEST_F(BrokerTest, AMessageIsReadableAndKeptAfterTheTick) {
    open();
    const Receipt receipt = world.publish(queue, "a");
    EXPECT_EQ(world.fetch(queue), Texts{});
    EXPECT_EQ(world.broker->state(receipt), Promise::pending);
    world.tick();
    EXPECT_EQ(world.broker->state(receipt), Promise::kept);
    EXPECT_EQ(world.fetch(queue), Texts{"a"});
    EXPECT_EQ(world.fetch(queue, 1), Texts{});
    EXPECT_EQ(world.status, FetchStatus::at_end);
    world.fetch(queue, 7);
    EXPECT_EQ(world.status, FetchStatus::beyond);
}

TEST_F(BrokerTest, InSyncFlushAMessageIsReadableAndKeptOnlyOnceItIsDurable) {
    world.options.flush = Flush::sync;
    open();
    Told waiter;
    world.broker->wait(queue, waiter);
    const Receipt receipt = world.publish(queue, "a");
    world.tick();
    EXPECT_EQ(world.broker->state(receipt), Promise::pending);
    EXPECT_EQ(world.fetch(queue), Texts{});
    EXPECT_EQ(waiter.times, 0);
    world.worker->run_all();
    world.tick();
    EXPECT_EQ(world.broker->state(receipt), Promise::kept);
    EXPECT_EQ(world.fetch(queue), Texts{"a"});
    EXPECT_EQ(waiter.times, 1);
    world.cut_power();
    world.open();
    EXPECT_EQ(world.fetch(queue), Texts{"a"});
}

TEST_F(BrokerTest, LogsAreNotOpenedBesideNamesThatAreNotTheirs) {
    open();
    for (int n = 0; n < 10; ++n)
        world.publish(queue, "a");
    world.settle();
    world.kill();
    const auto theirs = std::exchange(world.definitions, store::MemoryDefinitions::make_shared_state());
    const auto other =
        Broker::open(world.files, "data", std::make_unique<store::MemoryDefinitions>(world.definitions),
                     world.options, {*world.worker, world.names_worker}, world.now());
    ASSERT_FALSE(other.ok());
    EXPECT_EQ(other.error().code, Errc::damaged);
    EXPECT_NE(other.error().message.find("of another directory"), std::string::npos);
    world.definitions = theirs;
    world.open();
    EXPECT_EQ(world.fetch(queue, 9), Texts{"a"}) << "and nothing was done to them";
}

TEST_F(BrokerTest, APromiseThatMustSyncAsksForTheSyncItNeeds) {
    open();
    const Receipt receipt = world.publish(queue, "a");
    world.tick();
    EXPECT_EQ(world.broker->state(receipt), Promise::kept);
    EXPECT_EQ(world.broker->state(receipt, true), Promise::pending);
    world.worker->run_all();
    world.tick();
    EXPECT_EQ(world.broker->state(receipt, true), Promise::kept);
}

TEST_F(BrokerTest, AFailedSyncBreaksThePromiseAndStopsWrites) {
    world.options.flush = Flush::sync;
    open();
    const Receipt receipt = world.publish(queue, "a");
    world.tick();
    world.files.fail_sync(1);
    world.worker->run_all();
    world.tick();
    EXPECT_EQ(world.broker->state(receipt), Promise::broken);
    Publication message;
    message.queue = queue;
    EXPECT_EQ(world.broker->publish(message).error().code, Errc::read_only);
    EXPECT_EQ(world.broker->refusing()->code, Errc::read_only);
}

TEST_F(BrokerTest, AWaiterIsToldOnceByTheAppend) {
    open();
    Told here, elsewhere;
    world.broker->wait(queue, here);
    world.broker->wait(world.topic("t", 1), elsewhere);
    world.publish(queue, "a");
    EXPECT_EQ(here.times, 0);
    world.tick();
    world.publish(queue, "b");
    world.tick();
    EXPECT_EQ(here.times, 1);
    EXPECT_EQ(elsewhere.times, 0);
}

TEST_F(BrokerTest, AFilterSkipsWithoutReading) {
    open();
    const auto filter = model::TagExpression::parse("red || blue");
    for (const char* tag : {"red", "green", "blue", "green"})
        world.publish(queue, tag, 0, model::tag_hash(tag));
    world.tick();
    World::Sink sink;
    FetchRequest request{.queue = queue, .from = model::QueueOffset(0), .filter = &*filter};
    const Fetched fetched = world.broker->fetch(request, sink);
    EXPECT_EQ(sink.texts, (Texts{"red", "blue"}));
    EXPECT_EQ(fetched.next, model::QueueOffset(4));
    request.from = model::QueueOffset(3);
    EXPECT_EQ(world.broker->fetch(request, sink).status, FetchStatus::no_match);
}

TEST_F(BrokerTest, AFetchKeepsToItsBytesButTheFirstAlwaysGoes) {
    open();
    for (int n = 0; n < 3; ++n)
        world.publish(queue, std::string(1000, 'x'));
    world.tick();
    World::Sink sink;
    FetchRequest request{.queue = queue, .from = model::QueueOffset(0), .max_bytes = 10};
    EXPECT_EQ(world.broker->fetch(request, sink).messages, 1u);
    request.max_bytes = 2500;
    EXPECT_EQ(world.broker->fetch(request, sink).messages, 2u);
}

TEST_F(BrokerTest, ProgressSurvivesAKillOnceItWasNoted) {
    open();
    const auto group = world.group("g");
    world.publish(queue, "a");
    EXPECT_TRUE(world.broker->commit_progress(group, queue, model::QueueOffset(1)).ok());
    world.tick(world.options.progress_interval_ms);
    world.tick();
    world.kill();
    world.open();
    EXPECT_EQ(world.broker->progress(group, queue), model::QueueOffset(1));
}

/// More offsets of groups than a segment of the queue log holds: a snapshot of them needs two.
class LargeStateTest : public BrokerTest {
  protected:
    static constexpr int many = 5'000;
    void SetUp() override {
        world.options.queue_segment_bytes = world.options.queue_tail_bytes = 64 << 10;
        open();
        for (int n = 0; n < 10; ++n)
            world.publish(queue, "message");
        for (int n = 0; n < many; ++n)
            groups.push_back(world.group("g" + std::to_string(n)));
        commit(1, many);
        world.settle();
    }
    void commit(std::uint64_t next, int count) {
        for (int n = 0; n < count; ++n)
            ASSERT_TRUE(
                world.broker
                    ->commit_progress(groups[static_cast<std::size_t>(n)], queue, model::QueueOffset(next))
                    .ok());
        world.tick(world.options.progress_interval_ms);
        world.tick();
    }
    void fill_disk() {
        const auto space = *world.files.disk_space();
        world.files.set_capacity(space.total - space.free);
    }
    int standing_at(std::uint64_t next) const {
        int count = 0;
        for (const model::GroupId group : groups)
            count += world.broker->progress(group, queue) == model::QueueOffset(next);
        return count;
    }
    std::vector<model::GroupId> groups;
};

TEST_F(LargeStateTest, ASnapshotThatFindsNoRoomTakesNothingThatWasKnown) {
    fill_disk();
    const auto segments = world.broker->queue_log().segments().size();
    for (int n = 0; n < 20 && world.broker->queue_log().segments().size() == segments; ++n)
        commit(2 + n % 2, 1000);
    EXPECT_GT(world.broker->queue_log().segments().size(), segments);
    world.kill();
    world.files.set_capacity(1 << 30);
    world.open();
    EXPECT_EQ(standing_at(1) + standing_at(2) + standing_at(3), many);
}

TEST_F(BrokerTest, NotesBehindASnapshotThatWasCutShortCount) {
    open();
    const auto kept = world.group("kept"), moved = world.group("moved");
    for (int n = 0; n < 3; ++n)
        world.publish(queue, "message");
    ASSERT_TRUE(world.broker->commit_progress(kept, queue, model::QueueOffset(1)).ok());
    world.tick(world.options.progress_interval_ms);
    world.settle();
    world.kill();

    store::LogOptions options;
    options.name = "queue";
    options.segment_bytes = world.options.queue_segment_bytes;
    options.tail_bytes = world.options.queue_tail_bytes;
    options.max_record_bytes = 16 << 10;
    options.store_id = world.options.new_store_id;
    options.counts_live = true;
    {
        auto log = store::Log::open(world.files, "data/log/queue", options, *world.worker, {});
        ASSERT_TRUE(log.ok()) << log.error().message;
        const auto append = [&](Bytes note) {
            store::NewRecord record;
            record.kind = store::RecordKind::state;
            record.payload = note;
            EXPECT_TRUE((*log)->append(record, world.now().wall_ms).ok());
        };
        StateWriter snapshot(append), after(append);
        snapshot.snapshot_begin(0, 0);
        snapshot.flush();
        after.progress(moved.value(), queue.value(), 2);
        after.flush();
        ASSERT_TRUE((*log)->write().ok());
    }
    world.worker->drop_all();
    world.files.kill();
    world.open();
    EXPECT_EQ(world.broker->progress(kept, queue), model::QueueOffset(1));
    EXPECT_EQ(world.broker->progress(moved, queue), model::QueueOffset(2));
}

TEST_F(BrokerTest, ProgressNeverPointsPastWhatAPowerCutLeft) {
    open();
    const auto group = world.group("g");
    world.settle();
    world.publish(queue, "a");
    EXPECT_TRUE(world.broker->commit_progress(group, queue, model::QueueOffset(1)).ok());
    // The note is synced with the queue log, the message lies in an unsynced stream log.
    world.tick(world.options.progress_interval_ms);
    world.broker->end_tick();
    world.cut_power();
    world.open();
    for (int round = 0; round < 3; ++round) {
        const auto end = world.broker->range(queue).end;
        EXPECT_LE(world.broker->progress(group, queue).value_or(model::QueueOffset(0)), end);
        world.publish(queue, "again");
        world.tick();
        world.kill();
        world.open();
    }
}

TEST_F(BrokerTest, ThereIsALimitToGroupOffsetsAndWhoHasOneGoesOn) {
    world.options.progress_max = 2;
    open();
    const auto old = world.group("old"), late = world.group("late");
    const auto commit = [&](model::GroupId group, std::uint32_t n, std::uint64_t next) {
        return world.broker->commit_progress(group, world.topic("t", n), model::QueueOffset(next));
    };
    EXPECT_TRUE(commit(old, 0, 0).ok());
    EXPECT_TRUE(commit(old, 1, 0).ok());
    EXPECT_EQ(commit(late, 0, 0).error().code, Errc::full);
    EXPECT_EQ(world.broker->counters().refused_progress, 1u);
    EXPECT_EQ(world.broker->progress(late, queue), std::nullopt);
    EXPECT_TRUE(commit(old, 0, 1).ok());
    world.broker->forget_progress(old);
    EXPECT_EQ(world.broker->counters().progress_entries, 0u);
    EXPECT_TRUE(commit(late, 0, 0).ok());
    ASSERT_TRUE(world.broker->catalog().delete_topic("t").ok());
    world.settle();
    EXPECT_EQ(world.broker->counters().progress_entries, 0u);
}

TEST_F(BrokerTest, ASecondBrokerOnTheDirectoryIsRefused) {
    open();
    auto second =
        Broker::open(world.files, "data", std::make_unique<store::MemoryDefinitions>(world.definitions),
                     world.options, *world.worker, world.now());
    EXPECT_EQ(second.error().code, Errc::busy);
}

TEST_F(BrokerTest, ALostMetaFileMakesNoNewStoreBesideTheMessagesOfTheOld) {
    open();
    world.publish(queue, "a");
    world.settle();
    world.kill();
    ASSERT_TRUE(world.files.rename("data/posthorn.meta", "data/kept").ok());
    auto opened =
        Broker::open(world.files, "data", std::make_unique<store::MemoryDefinitions>(world.definitions),
                     world.options, {*world.worker, world.names_worker}, world.now());
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, Errc::damaged);
    ASSERT_TRUE(world.files.rename("data/kept", "data/posthorn.meta").ok());
    world.open();
    EXPECT_EQ(world.fetch(queue), Texts{"a"});
}

TEST_F(BrokerTest, CloseMakesEverythingDurable) {
    open();
    const auto group = world.group("g");
    world.publish(queue, "a");
    EXPECT_TRUE(world.broker->commit_progress(group, queue, model::QueueOffset(1)).ok());
    world.worker->run_all();
    ASSERT_TRUE(world.broker->close().ok());
    world.cut_power();
    world.open();
    EXPECT_EQ(world.fetch(queue), Texts{"a"});
    EXPECT_EQ(world.broker->progress(group, queue), model::QueueOffset(1));
}

TEST_F(BrokerTest, MessagesAreFoundByTimeAndByPosition) {
    open();
    const Receipt first = world.publish(queue, "a");
    world.tick(1000);
    const Receipt second = world.publish(queue, "b");
    world.tick();
    EXPECT_EQ(*world.broker->offset_by_time(queue, first.store_ms + 1), second.offset);
    std::string text;
    ASSERT_TRUE(
        world.broker
            ->read_at(second.position, false, [&](const Stored& message) { text = as_text(message.payload); })
            .ok());
    EXPECT_EQ(text, "b");
    EXPECT_EQ(world.broker->read_at(second.end, false, [](const Stored&) {}).error().code, Errc::not_found);
}

TEST_F(BrokerTest, ADiskNearlyFullRefusesMessagesAndRecoversByItself) {
    world.options.disk_refuse_ratio = 0.9;
    open();
    world.publish(queue, "a");
    world.tick();
    auto space = *world.files.disk_space();
    world.files.set_capacity((space.total - space.free) * 100 / 95);
    world.tick(10'000);
    ASSERT_TRUE(world.broker->refusing().has_value());
    EXPECT_EQ(world.broker->refusing()->code, Errc::no_space);
    EXPECT_EQ(world.fetch(queue), Texts{"a"});
    world.files.set_capacity(space.total);
    world.tick(1'000);
    EXPECT_FALSE(world.broker->refusing().has_value());
    world.publish(queue, "b");
}

TEST_F(BrokerTest, ADiskWithoutRoomForASegmentRefusesFarBelowTheMarkAndRecoversByItself) {
    open();
    world.tick();
    auto space = *world.files.disk_space();
    const std::uint64_t used = space.total - space.free;
    world.files.set_capacity(used + (900 << 10));  // less than a segment
    world.tick(10'000);
    EXPECT_LT(world.broker->disk_used_ratio(), 0.85);
    Publication message;
    message.queue = queue;
    const std::string text(10'000, 'x');
    message.payload = as_bytes(text);
    Result<Receipt> last = world.broker->publish(message);
    for (int n = 0; last.ok() && n < 1'000; ++n) {
        world.tick();
        last = world.broker->publish(message);
    }
    ASSERT_FALSE(last.ok());
    EXPECT_EQ(last.error().code, Errc::no_space);
    for (int n = 0; n < 5; ++n) {
        ASSERT_TRUE(world.broker->refusing().has_value());
        EXPECT_EQ(world.broker->refusing()->code, Errc::no_space);
        EXPECT_GT(world.broker->next_tick_ms(), world.now().steady_ms);
        world.tick(1'000);
    }
    world.files.set_capacity(space.total);
    world.tick(1'000);
    EXPECT_FALSE(world.broker->refusing().has_value());
    world.publish(queue, "b");
}

TEST_F(BrokerTest, RetentionDropsOldSegmentsAndTellsReadersWhereToGoOn) {
    world.options.delete_hour = -1;
    world.options.retention_ms = 60'000;
    open();
    for (int n = 0; n < 400; ++n) {
        world.publish(queue, std::string(10'000, 'x'));
        world.tick();
        world.worker->run_all();
    }
    world.settle();
    ASSERT_GT(world.broker->stream_log().segments().size(), 3u);
    for (int n = 0; n < 10; ++n)  // one per look
        world.tick(20'000);
    world.settle();
    EXPECT_LE(world.broker->stream_log().segments().size(), 2u);
    World::Sink sink;
    FetchRequest request{.queue = queue, .from = model::QueueOffset(0)};
    const Fetched fetched = world.broker->fetch(request, sink);
    EXPECT_EQ(fetched.status, FetchStatus::before);
    EXPECT_EQ(fetched.next, world.broker->range(queue).begin);
    EXPECT_EQ(fetched.end, model::QueueOffset(400));
}

TEST_F(BrokerTest, AClockThatGoesForwardDropsNothingByAge) {
    world.options.delete_hour = -1;
    world.options.retention_ms = 72 * 3'600'000;
    open();
    for (int n = 0; n < 400; ++n) {
        world.publish(queue, std::string(10'000, 'x'));
        world.tick();
        world.worker->run_all();
    }
    world.settle();
    const std::int64_t wall_ms = world.now().wall_ms;
    world.clock.set_wall_ms(wall_ms + 80 * 3'600'000);
    for (int n = 0; n < 10; ++n)
        world.tick(10'000);
    EXPECT_EQ(world.broker->range(queue).begin, model::QueueOffset(0));
    world.clock.set_wall_ms(wall_ms + 100'000);
    world.tick(10'000);
    EXPECT_EQ(world.broker->range(queue).begin, model::QueueOffset(0));
}

TEST_F(BrokerTest, ANearlyFullDiskTakesNoMoreSegmentsThanItNeeds) {
    open();
    for (int n = 0; n < 2000; ++n) {
        world.publish(queue, std::string(10'000, 'x'));
        world.tick();
        world.worker->run_all();
    }
    for (int n = 0; n < 20; ++n)
        world.settle();  // one segment is sealed after the other
    const std::size_t segments = world.broker->stream_log().segments().size();
    ASSERT_GT(segments, 15u);
    const auto space = *world.files.disk_space();
    world.files.set_capacity((space.total - space.free) * 100 / 87);  // forced cleaning begins at 85 %
    world.tick(10'000);
    world.settle();
    world.tick(10'000);
    EXPECT_LT(world.broker->stream_log().segments().size(), segments);
    EXPECT_GE(world.broker->stream_log().segments().size(), segments - 3);
    EXPECT_LT(world.broker->disk_used_ratio(), 0.85);
}

TEST_F(BrokerTest, AFailedDiskAsksForNoTickAfterTheOther) {
    open();
    world.tick();
    world.files.fail_write(1, Errc::io);
    world.publish(queue, "lost");
    world.tick(5'000);
    ASSERT_TRUE(world.broker->refusing().has_value());
    world.tick(5'000);
    EXPECT_GT(world.broker->next_tick_ms(), world.now().steady_ms);
}

TEST_F(BrokerTest, ABurstOfLargeDelayedMessagesLeavesTheTickToOthers) {
    world.options.stream_segment_bytes = world.options.queue_segment_bytes = 32 << 20;
    world.options.stream_tail_bytes = world.options.queue_tail_bytes = 16 << 20;
    open();
    const std::int64_t due_ms = world.now().wall_ms + 1'000;
    constexpr std::size_t many = 700;
    for (std::size_t n = 0; n < many; ++n)
        world.publish(queue, std::string(15'000, 'x'), due_ms);
    world.tick(1'000);
    world.worker->run_all();
    std::size_t before = world.broker->counters().fired, most = before;
    for (int n = 0; n < 200 && world.broker->counters().fired < many; ++n) {
        world.tick();
        world.worker->run_all();
        const std::size_t fired = world.broker->counters().fired;
        most = std::max(most, fired - before);
        before = fired;
    }
    EXPECT_EQ(world.broker->counters().fired, many);
    EXPECT_LE(most, (4u << 20) / 15'000 + 1);
}

}  // namespace
}  // namespace posthorn::broker
