#include "readers.h"

#include <gtest/gtest.h>

#include <array>

#include "broker_test_support.h"

namespace posthorn::broker {
namespace {

using Texts = World::Texts;

class ReadersTest : public testing::Test {
  protected:
    void SetUp() override {
        world_.open();
        queue_ = *world_.broker->catalog().put_named_queue("work");
        open();
    }
    void open() { reader_ = *world_.broker->open_reader("worker", queue_); }
    void publish(int count) {
        for (int n = 0; n < count; ++n)
            world_.publish(queue_, std::to_string(n));
        world_.tick();
    }
    void settle(std::uint64_t offset) {
        EXPECT_TRUE(world_.broker->settle(reader_, model::QueueOffset(offset)).ok());
    }
    void requeue(std::uint64_t offset, std::int64_t delay_ms = 0) {
        EXPECT_TRUE(world_.broker->requeue(reader_, model::QueueOffset(offset), delay_ms).ok());
    }

    World world_;
    model::QueueId queue_;
    ReaderId reader_;
};

TEST_F(ReadersTest, TakenMessagesAreInFlightUntilSettled) {
    publish(3);
    EXPECT_EQ(world_.take(reader_, 2).texts, (Texts{"0", "1"}));
    EXPECT_EQ(world_.broker->counts(reader_).ready, 1u);
    EXPECT_EQ(world_.broker->counts(reader_).in_flight, 2u);
    settle(0);
    EXPECT_EQ(world_.broker->counts(reader_).in_flight, 1u);
    EXPECT_EQ(world_.broker->settle(reader_, model::QueueOffset(0)).error().code, Errc::not_found);
}

/// Messages far behind the memory tail, handed out while the disk does something and afterwards.
Texts take_all_after(World& world, ReaderId reader, const std::function<void(env::SimFaults&)>& trouble) {
    Texts texts;
    const auto take_for = [&](int ticks, std::int64_t ms) {
        for (int n = 0; n < ticks; ++n, world.tick(ms), world.worker->run_all())
            for (const std::string& text : world.take(reader, 1000).texts)
                texts.push_back(text.substr(0, text.find(' ')));
    };
    trouble(world.files.faults());
    take_for(5, 1);
    world.files.faults() = {};
    take_for(100, 100);
    return texts;
}

class ColdReadersTest : public ReadersTest {
  protected:
    static constexpr int many = 600;
    void SetUp() override {
        world_.options.queue_segment_bytes = world_.options.queue_tail_bytes = 64 << 10;
        ReadersTest::SetUp();
        for (int n = 0; n < many; ++n) {
            expected_.push_back(std::to_string(n));
            world_.publish(queue_, expected_.back() + " " + std::string(500, 'x'));
            if (n % 50 == 0) world_.settle();
        }
        world_.settle();
        world_.kill();
        world_.open();
        open();
    }
    Texts expected_;
};

TEST_F(ColdReadersTest, AReadThatFailsForAMomentSettlesNothing) {
    EXPECT_EQ(take_all_after(world_, reader_,
                             [](env::SimFaults& faults) { faults.not_now = faults.read_error = 1; }),
              expected_);
}

TEST_F(ColdReadersTest, MessagesComeLaterWhenTheSystemHasNoDescriptor) {
    EXPECT_EQ(take_all_after(world_, reader_, [](env::SimFaults& faults) { faults.no_descriptor = 1; }),
              expected_);
}

TEST_F(ReadersTest, ARequeuedMessageGoesBackToItsPlace) {
    publish(3);
    world_.take(reader_, 2);
    requeue(0);
    const auto again = world_.take(reader_);
    EXPECT_EQ(again.texts, (Texts{"0", "2"}));
    EXPECT_TRUE(again.taken[0].redelivered);
    EXPECT_EQ(again.taken[0].attempt, 2u);
    EXPECT_FALSE(again.taken[1].redelivered);
}

struct Offers final : OfferSink {
    std::string answers;  ///< h, s or l for each that is offered; then h
    std::vector<std::string> texts;
    std::vector<Taken> taken;
    Offer on_offer(const Stored& message, const Taken& how) override {
        texts.emplace_back(as_text(message.payload));
        taken.push_back(how);
        const char answer = texts.size() <= answers.size() ? answers[texts.size() - 1] : 'h';
        return answer == 'l' ? Offer::leave : answer == 's' ? Offer::settle : Offer::hold;
    }
};

TEST_F(ReadersTest, AnOfferIsHeldSettledOrLeftAsTheSinkSays) {
    publish(4);
    Offers offers;
    offers.answers = "shl";
    EXPECT_EQ(*world_.broker->offer(reader_, 100, offers), 2u);
    EXPECT_EQ(offers.texts, (Texts{"0", "1", "2"}));
    EXPECT_EQ(world_.broker->counts(reader_).in_flight, 1u);
    EXPECT_EQ(world_.broker->counts(reader_).ready, 2u);
    settle(1);
    EXPECT_EQ(world_.take(reader_).texts, (Texts{"2", "3"}));
}

TEST_F(ReadersTest, WhatWasSettledInAnOfferStaysSettledAfterARestart) {
    publish(4);
    Offers offers;
    offers.answers = "ssl";
    static_cast<void>(world_.broker->offer(reader_, 100, offers));
    world_.tick();
    world_.kill();
    world_.open();
    open();
    EXPECT_EQ(world_.take(reader_).texts, (Texts{"2", "3"}));
}

TEST_F(ReadersTest, ARequeuedMessageIsOfferedInItsPlaceAndCanBeSettledThere) {
    publish(3);
    world_.take(reader_, 2);
    requeue(1);
    Offers offers;
    offers.answers = "ss";
    static_cast<void>(world_.broker->offer(reader_, 2, offers));
    EXPECT_EQ(offers.texts, (Texts{"1", "2"}));
    EXPECT_EQ(offers.taken[0].attempt, 2u);
    EXPECT_TRUE(offers.taken[0].redelivered);
    EXPECT_EQ(world_.broker->counts(reader_).ready, 0u);
    EXPECT_EQ(world_.broker->counts(reader_).in_flight, 1u);
}

TEST_F(ReadersTest, APurgeTakesWhatIsReadyAlsoWhatIsNotYetWritten) {
    publish(3);
    world_.take(reader_, 2);
    requeue(0);
    world_.publish(queue_, "late");
    EXPECT_EQ(*world_.broker->purge(reader_), 3u);
    world_.tick();
    EXPECT_EQ(world_.broker->counts(reader_).ready, 0u);
    EXPECT_EQ(world_.broker->counts(reader_).in_flight, 1u);
    world_.kill();
    world_.open();
    open();
    EXPECT_EQ(world_.take(reader_).texts, Texts{"1"});
}

TEST_F(ReadersTest, WhatIsPurgedOrDeletedByTheManyIsWorkedOffInShares) {
    constexpr int many = 60'000;
    for (const bool purges : {true, false}) {
        for (int n = 0; n < many; ++n) {
            world_.publish(queue_, "x");
            if (n % 5'000 == 0) world_.tick(10);
        }
        world_.tick(10);
        const auto live = [&] {
            std::uint64_t sum = 0;
            for (const auto& segment : world_.broker->queue_log().segments())
                sum += segment.live;
            return sum;
        };
        ASSERT_GE(live(), many * 1u);
        if (purges) {
            EXPECT_EQ(*world_.broker->purge(reader_), many * 1u);
            EXPECT_EQ(world_.broker->counts(reader_).ready, 0u);
        } else {
            ASSERT_TRUE(world_.broker->catalog().delete_named_queue("work").ok());
        }
        world_.tick(0);
        EXPECT_GE(live(), many / 2u);
        EXPECT_EQ(world_.broker->next_tick_ms(), world_.now().steady_ms);
        for (int n = 0; n < 2 * many / 10'000; ++n)  // a deleted queue is walked from its first message
            world_.tick(0);
        EXPECT_EQ(live(), 0u);
        EXPECT_GT(world_.broker->next_tick_ms(), world_.now().steady_ms);
    }
}

TEST_F(ReadersTest, ALargePurgeIsKeptThoughTheProcessEndsInTheMiddleOfIt) {
    publish(20'000);
    world_.publish(queue_, "late");
    EXPECT_EQ(*world_.broker->purge(reader_), 20'001u);
    world_.tick();
    world_.kill();
    world_.open();
    open();
    EXPECT_EQ(world_.broker->counts(reader_).ready, 0u);
    EXPECT_EQ(world_.take(reader_).texts, Texts{});
}

TEST_F(ReadersTest, OneRecordGoesToSeveralQueuesAndIsSettledInEach) {
    const model::QueueId other = *world_.broker->catalog().put_named_queue("other");
    const ReaderId second = *world_.broker->open_reader("second", other);
    world_.publish(other, "before");
    const std::array queues{queue_, other};
    Publication message;
    message.queues = queues;
    message.payload = as_bytes("both");
    const auto bytes = world_.broker->queue_log().end();
    ASSERT_TRUE(world_.broker->publish(message).ok());
    EXPECT_LT(world_.broker->queue_log().end() - bytes, 200u);
    EXPECT_EQ(world_.take(second).texts, Texts{});
    world_.tick();
    EXPECT_EQ(world_.take(reader_).texts, Texts{"both"});
    settle(0);
    world_.tick();
    world_.kill();
    world_.open();
    open();
    EXPECT_EQ(world_.take(reader_).texts, Texts{});
    EXPECT_EQ(world_.take(*world_.broker->open_reader("second", other)).texts, (Texts{"before", "both"}));
}

TEST_F(ReadersTest, ALeaseThatRunsOutBringsTheMessageBackAndWakesWhoWaits) {
    struct Told final : Waiter {
        int times = 0;
        void on_readable() override { ++times; }
    } waiter;
    publish(1);
    world_.take(reader_, 1, 100);
    world_.broker->wait_reader(reader_, waiter);
    world_.tick(99);
    EXPECT_EQ(world_.take(reader_).texts, Texts{});
    EXPECT_TRUE(world_.broker->extend(reader_, model::QueueOffset(0), 50).ok());
    world_.tick(49);
    EXPECT_EQ(world_.take(reader_).texts, Texts{});
    world_.tick(1);
    world_.tick();
    EXPECT_EQ(waiter.times, 1);
    EXPECT_EQ(world_.take(reader_).texts, Texts{"0"});
}

TEST_F(ReadersTest, ADelayedRequeueWaits) {
    publish(2);
    world_.take(reader_, 1);
    requeue(0, 500);
    EXPECT_EQ(world_.broker->counts(reader_).delayed, 1u);
    EXPECT_EQ(world_.take(reader_).texts, Texts{"1"});
    world_.tick(500);
    EXPECT_EQ(world_.take(reader_).texts, Texts{"0"});
}

TEST_F(ReadersTest, AfterAKillSettledMessagesStayAwayAndTakenOnesComeRedelivered) {
    publish(4);
    world_.take(reader_, 3);
    settle(1);
    requeue(2);
    world_.take(reader_, 1);
    requeue(2);
    world_.tick();
    world_.kill();
    world_.open();
    open();
    const auto again = world_.take(reader_);
    EXPECT_EQ(again.texts, (Texts{"0", "2", "3"}));
    EXPECT_TRUE(again.taken[0].redelivered);
    EXPECT_EQ(again.taken[1].attempt, 3u);
    EXPECT_FALSE(again.taken[2].redelivered);
}

TEST_F(ReadersTest, ADelayedRequeueIsStillDelayedAfterAKill) {
    publish(1);
    world_.take(reader_, 1);
    requeue(0, 60'000);
    world_.tick();
    world_.kill();
    world_.open();
    open();
    EXPECT_EQ(world_.take(reader_).texts, Texts{});
    world_.tick(60'000);
    EXPECT_EQ(world_.take(reader_).texts, Texts{"0"});
}

TEST_F(ReadersTest, ATopicMayHaveSeveralReadersEachWithAStateOfItsOwn) {
    const auto queue = world_.topic("t");
    const auto a = *world_.broker->open_reader("a", queue);
    const auto b = *world_.broker->open_reader("b", queue);
    EXPECT_EQ(*world_.broker->open_reader("a", queue), a);
    world_.publish(queue, "x");
    world_.tick();
    EXPECT_EQ(world_.take(a).texts, Texts{"x"});
    EXPECT_TRUE(world_.broker->settle(a, model::QueueOffset(0)).ok());
    EXPECT_EQ(world_.take(b).texts, Texts{"x"});
    EXPECT_EQ(world_.fetch(queue), Texts{"x"});
}

TEST_F(ReadersTest, ANamedQueueHasOneReader) {
    EXPECT_EQ(world_.broker->open_reader("other", queue_).error().code, Errc::exists);
}

TEST_F(ReadersTest, TheReaderOfANamedQueueGoesOnlyWithItsQueue) {
    publish(2);
    world_.take(reader_, 1);
    settle(0);
    EXPECT_EQ(world_.broker->delete_reader(reader_).error().code, Errc::denied);
    EXPECT_EQ(world_.take(reader_).texts, Texts{"1"});
    const auto of_topic = *world_.broker->open_reader("of a topic", world_.topic("t"));
    EXPECT_TRUE(world_.broker->delete_reader(of_topic).ok());
}

TEST_F(ReadersTest, TheWindowOfTakenMessagesIsBounded) {
    world_.tick();
    world_.kill();
    world_.options.in_flight_max = 2;
    world_.open();
    open();
    publish(5);
    EXPECT_EQ(world_.take(reader_).texts.size(), 2u);
    World::Sink sink;
    EXPECT_EQ(world_.broker->take(reader_, 1, 0, sink).error().code, Errc::full);
    settle(0);
    EXPECT_EQ(world_.take(reader_).texts.size(), 1u);
}

TEST_F(ReadersTest, SegmentsOfSettledMessagesGoAndOneLiveMessageIsMovedOutOfTheWay) {
    for (int n = 0; n < 1000; ++n) {
        world_.publish(queue_, n == 3 ? "the one" : std::string(10'000, 'x'));
        world_.tick(10);
        world_.worker->run_all();
        for (const Taken& taken : world_.take(reader_).taken)
            if (taken.offset != model::QueueOffset(3)) settle(taken.offset.value());
    }
    for (int n = 0; n < 20; ++n) {
        world_.tick(5'000);
        world_.worker->run_all();
    }
    EXPECT_LE(world_.broker->queue_log().segments().size(), 5u);
    world_.settle();
    world_.kill();
    world_.open();
    open();
    EXPECT_EQ(world_.take(reader_).texts, Texts{"the one"});
}

TEST_F(ReadersTest, ADeletedQueueLeavesNothingBehind) {
    publish(3);
    ASSERT_TRUE(world_.broker->catalog().delete_named_queue("work").ok());
    world_.tick();
    World::Sink sink;
    EXPECT_EQ(world_.broker->take(reader_, 1, 0, sink).error().code, Errc::not_found);
    EXPECT_EQ(world_.broker->queue_log().segments().front().live, 0u);
}

TEST(Readers, WhatIsTakenAndGivenBackQueueAfterQueueHasALimit) {
    World world;
    world.options.in_flight_max = 10;
    world.open();
    std::vector<ReaderId> readers;
    for (int n = 0; n < 5; ++n) {
        const auto queue = *world.broker->catalog().put_named_queue("work" + std::to_string(n));
        readers.push_back(*world.broker->open_reader("reader" + std::to_string(n), queue));
        for (int m = 0; m < 20; ++m)
            world.publish(queue, "message");
    }
    world.tick();
    const auto take_all = [&](ReaderId reader) {
        World::Sink sink;
        const auto done = world.broker->take(reader, 10, 0, sink);
        for (const Taken& taken : sink.taken)
            EXPECT_TRUE(world.broker->requeue(reader, taken.offset).ok());
        return done;
    };
    for (int n = 0; n < 4; ++n)
        EXPECT_EQ(*take_all(readers[static_cast<std::size_t>(n)]), 10u);
    EXPECT_EQ(take_all(readers[4]).error().code, Errc::full);
    EXPECT_EQ(*take_all(readers[0]), 10u);  // those that came back go on
    for (const Taken& taken : world.take(readers[0], 3).taken)
        EXPECT_TRUE(world.broker->settle(readers[0], taken.offset).ok());
    EXPECT_EQ(*take_all(readers[4]), 3u);
    EXPECT_EQ(*world.broker->purge(readers[1]), 20u);
    EXPECT_TRUE(world.broker->catalog().delete_named_queue("work2").ok());
    world.tick();
    EXPECT_EQ(*take_all(readers[4]), 10u);
    world.settle();
    world.kill();
    world.open();  // the same are remembered after a start
    EXPECT_EQ(world.broker->counts(readers[4]).ready, 20u);
}

}  // namespace
}  // namespace posthorn::broker
