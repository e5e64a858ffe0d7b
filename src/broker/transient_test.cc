// Messages that need not survive a restart, alone and among those that do.
#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "broker_test_support.h"

namespace posthorn::broker {
namespace {

using Texts = World::Texts;

struct NoAck final : OfferSink {
    Texts texts;
    Offer on_offer(const Stored& message, const Taken&) override {
        texts.emplace_back(as_text(message.payload));
        return Offer::settle;
    }
};

class TransientTest : public testing::Test {
  protected:
    void SetUp() override {
        world_.open();
        durable_ = *world_.broker->catalog().put_named_queue("durable");
        passing_ = *world_.broker->catalog().put_named_queue("passing", false);
        world_.tick();  // the durable one is written down
        open();
    }
    void open() {
        on_durable_ = *world_.broker->open_reader("durable", durable_);
        if (passing_.value() != 0) on_passing_ = *world_.broker->open_reader("passing", passing_);
    }
    void restart() {
        world_.kill();
        world_.open();
        passing_ = {};
        open();
    }
    Receipt publish(model::QueueId queue, const std::string& text, bool persistent) {
        Publication message;
        message.queue = queue;
        message.payload = as_bytes(text);
        message.persistent = persistent;
        auto done = world_.broker->publish(message);
        EXPECT_TRUE(done.ok()) << done.error().message;
        return done.ok() ? *done : Receipt{};
    }
    void settle(ReaderId reader, std::uint64_t offset) {
        EXPECT_TRUE(world_.broker->settle(reader, model::QueueOffset(offset)).ok());
    }

    World world_;
    model::QueueId durable_, passing_;
    ReaderId on_durable_, on_passing_;
    NoAck no_ack_;
};

TEST_F(TransientTest, BothKindsStandInOneQueueInTheOrderTheyCame) {
    publish(durable_, "d0", true);
    publish(durable_, "t1", false);
    publish(durable_, "d2", true);
    publish(durable_, "t3", false);
    world_.tick();
    EXPECT_EQ(world_.broker->counts(on_durable_).ready, 4u);
    EXPECT_EQ(world_.take(on_durable_).texts, (Texts{"d0", "t1", "d2", "t3"}));
    for (const std::uint64_t offset : {1u, 2u})
        EXPECT_TRUE(world_.broker->requeue(on_durable_, model::QueueOffset(offset)).ok());
    const auto again = world_.take(on_durable_);
    EXPECT_EQ(again.texts, (Texts{"t1", "d2"}));
    EXPECT_TRUE(again.taken[0].redelivered);
    for (std::uint64_t offset = 0; offset < 4; ++offset)
        settle(on_durable_, offset);
    EXPECT_EQ(world_.broker->volatile_log().counters().held, 0u);
}

TEST_F(TransientTest, ATransientMessageIsPromisedAndReadableAtOnceButNeverBeforeAnOlderOne) {
    const Receipt first = publish(durable_, "t0", false);
    EXPECT_TRUE(first.transient());
    EXPECT_EQ(world_.broker->state(first, true), Promise::kept);
    EXPECT_EQ(world_.take(on_durable_).texts, (Texts{"t0"}));
    publish(durable_, "d1", true);
    publish(durable_, "t2", false);
    EXPECT_EQ(world_.take(on_durable_).texts, (Texts{}));
    world_.tick();
    EXPECT_EQ(world_.take(on_durable_).texts, (Texts{"d1", "t2"}));
}

TEST_F(TransientTest, InSyncFlushItWaitsForTheSyncOfWhatStandsBeforeIt) {
    world_.tick();
    world_.kill();
    world_.options.flush = Flush::sync;
    world_.open();
    passing_ = {};
    open();
    world_.settle();
    publish(durable_, "t", false);
    EXPECT_EQ(world_.take(on_durable_).texts, (Texts{"t"}));
    publish(durable_, "d", true);
    world_.tick();
    publish(durable_, "t after", false);
    world_.tick();
    EXPECT_EQ(world_.take(on_durable_).texts, (Texts{}));
    for (int n = 0; n < 3; ++n) {
        world_.worker->run_all();
        world_.tick(1);
    }
    EXPECT_EQ(world_.take(on_durable_).texts, (Texts{"d", "t after"}));
}

TEST_F(TransientTest, WhoWaitsIsWokenInTheSameTick) {
    struct Told final : Waiter {
        int times = 0;
        void on_readable() override { ++times; }
    } waiter;
    world_.broker->wait_reader(on_passing_, waiter);
    publish(passing_, "x", false);
    publish(passing_, "y", false);
    world_.tick();
    EXPECT_EQ(waiter.times, 1);
}

TEST_F(TransientTest, AfterARestartOnlyDurableMessagesAreBackInTheirOrderAndCounted) {
    for (int n = 0; n < 40; ++n)
        publish(durable_, (n % 3 ? "t" : "d") + std::to_string(n), n % 3 == 0);
    world_.tick();
    EXPECT_EQ(world_.take(on_durable_, 10).texts.size(), 10u);
    for (const std::uint64_t offset : {0u, 1u, 2u, 3u})
        settle(on_durable_, offset);
    world_.tick();
    restart();
    EXPECT_EQ(world_.broker->counts(on_durable_).ready, 12u);
    publish(durable_, "t new", false);
    publish(durable_, "d new", true);
    world_.tick();
    EXPECT_EQ(world_.broker->counts(on_durable_).ready, 14u);
    const auto found = world_.take(on_durable_);
    EXPECT_EQ(found.texts, (Texts{"d6", "d9", "d12", "d15", "d18", "d21", "d24", "d27", "d30", "d33", "d36",
                                  "d39", "t new", "d new"}));
    EXPECT_TRUE(found.taken[0].redelivered);
    EXPECT_TRUE(found.taken[1].redelivered);
    EXPECT_FALSE(found.taken[2].redelivered);
}

TEST_F(TransientTest, ADurableMessageThatGetsTheOffsetOfALostOneIsNotTakenForSettled) {
    publish(durable_, "d0", true);
    for (int n = 0; n < 5; ++n)
        publish(durable_, "t", false);
    publish(durable_, "d6", true);
    for (int n = 0; n < 5; ++n)
        publish(durable_, "t", false);
    world_.tick();
    for (const Taken& taken : world_.take(on_durable_).taken)
        settle(on_durable_, taken.offset.value());
    world_.tick();
    for (int round = 0; round < 3; ++round) {
        restart();
        EXPECT_EQ(world_.broker->counts(on_durable_).ready, static_cast<std::uint64_t>(round));
        publish(durable_, "again", true);
        world_.tick();
    }
}

TEST_F(TransientTest, AQueueThatIsNotDurableEndsWithTheProcessAndLeavesNothingBehind) {
    world_.tick();
    const auto log_end = world_.broker->queue_log().end();
    for (int n = 0; n < 1000; ++n) {
        publish(passing_, "persistent in name only", true);
        world_.tick();
        ASSERT_EQ(world_.take(on_passing_, 1).texts.size(), 1u);
        if (n % 3 == 0)
            EXPECT_TRUE(
                world_.broker->requeue(on_passing_, model::QueueOffset(static_cast<std::uint64_t>(n))).ok());
        else
            settle(on_passing_, static_cast<std::uint64_t>(n));
        ASSERT_EQ(*world_.broker->offer(on_passing_, 1, no_ack_), n % 3 == 0 ? 1u : 0u);
    }
    EXPECT_EQ(world_.broker->queue_log().end(), log_end);
    restart();
    EXPECT_EQ(world_.broker->catalog().named_queue("passing"), model::QueueId());
}

TEST_F(TransientTest, NumbersOfQueuesThatWereNotDurableAreGivenAgain) {
    std::uint32_t highest = 0;
    for (int n = 0; n < 100; ++n) {
        auto& catalog = world_.broker->catalog();
        const auto queue = *catalog.put_named_queue("reply", false);
        highest = std::max(highest, queue.value());
        const auto reader = *world_.broker->open_reader("reply", queue);
        EXPECT_LT(reader.value(), 6u);
        EXPECT_EQ(world_.broker->counts(reader).ready, 0u);
        publish(queue, "x", false);
        EXPECT_EQ(world_.take(reader).texts, (Texts{"x"}));
        publish(queue, "left behind", false);
        ASSERT_TRUE(catalog.delete_named_queue("reply").ok());
        world_.tick();
        EXPECT_EQ(world_.broker->volatile_log().counters().held, 0u);
    }
    EXPECT_LE(highest, passing_.value() + 2);
    EXPECT_EQ(world_.broker->catalog().put_named_queue("durable", false).error().code, Errc::exists);
}

TEST_F(TransientTest, NoAckSettlesAsItTakes) {
    for (int n = 0; n < 5; ++n) {
        publish(durable_, "d", true);
        publish(passing_, "t", false);
    }
    world_.tick();
    for (const ReaderId reader : {on_durable_, on_passing_}) {
        NoAck sink;
        EXPECT_EQ(*world_.broker->offer(reader, 3, sink), 3u);
        EXPECT_EQ(sink.texts.size(), 3u);
        EXPECT_EQ(world_.broker->counts(reader).ready, 2u);
        EXPECT_EQ(world_.broker->counts(reader).in_flight, 0u);
    }
    world_.tick();
    restart();
    EXPECT_EQ(world_.broker->counts(on_durable_).ready, 2u);
}

TEST_F(TransientTest, OneBodyForManyQueuesIsLaidDownOnceInEachLog) {
    std::vector<model::QueueId> queues = {durable_, passing_};
    std::vector<ReaderId> readers = {on_durable_, on_passing_};
    for (int n = 0; n < 20; ++n) {
        const std::string name = "q" + std::to_string(n);
        queues.push_back(*world_.broker->catalog().put_named_queue(name, n % 2 == 0));
        readers.push_back(*world_.broker->open_reader(name, queues.back()));
    }
    world_.tick();
    const auto before = world_.broker->queue_log().end();
    const std::string body(10'000, 'b');
    Publication message;
    message.payload = as_bytes(body);
    message.queues = queues;
    const auto receipt = world_.broker->publish(message);
    ASSERT_TRUE(receipt.ok()) << receipt.error().message;
    EXPECT_TRUE(receipt->in_queue_log);
    EXPECT_EQ(world_.broker->state(*receipt), Promise::pending);
    world_.tick();
    EXPECT_EQ(world_.broker->state(*receipt), Promise::kept);
    EXPECT_LT(world_.broker->queue_log().end() - before, 11'000u);
    EXPECT_LT(world_.broker->volatile_log().counters().bytes, 11'000u);
    for (const ReaderId reader : readers)
        EXPECT_EQ(world_.take(reader).texts, (Texts{body}));

    message.persistent = false;
    EXPECT_TRUE(world_.broker->publish(message)->transient());
    for (const ReaderId reader : readers)
        EXPECT_EQ(world_.take(reader).texts, (Texts{body}));
    EXPECT_LT(world_.broker->volatile_log().counters().bytes, 22'000u);
}

TEST_F(TransientTest, MoreQueuesThanARecordNamesAreServedTogether) {
    std::vector<model::QueueId> queues;
    std::vector<ReaderId> readers;
    for (int n = 0; n < 600; ++n) {
        const std::string name = "many" + std::to_string(n);
        queues.push_back(*world_.broker->catalog().put_named_queue(name));
        readers.push_back(*world_.broker->open_reader(name, queues.back()));
    }
    world_.tick();
    Publication message;
    message.payload = as_bytes("for all");
    message.queues = queues;
    const auto receipt = world_.broker->publish(message);
    ASSERT_TRUE(receipt.ok()) << receipt.error().message;
    world_.tick();
    EXPECT_EQ(world_.broker->state(*receipt), Promise::kept);
    for (const ReaderId reader : readers)
        EXPECT_EQ(world_.take(reader).texts, (Texts{"for all"}));
}

TEST_F(TransientTest, AFullDiskTakesAMessageIntoNoneOfItsQueues) {
    const std::vector<model::QueueId> queues = {durable_, passing_};
    const std::string body(10'000, 'b');
    Publication message;
    message.payload = as_bytes(body);
    message.queues = queues;
    world_.tick();
    world_.files.set_capacity(0);
    int taken = 0;
    while (taken < 1000 && world_.broker->publish(message))
        ++taken;
    ASSERT_LT(taken, 1000);
    world_.tick();
    EXPECT_EQ(world_.broker->counts(on_durable_).ready, static_cast<std::uint64_t>(taken));
    EXPECT_EQ(world_.broker->counts(on_passing_).ready, static_cast<std::uint64_t>(taken));
}

TEST_F(TransientTest, UnderMemoryPressureMessagesComeBackFromTheFile) {
    world_.tick();
    world_.kill();
    world_.options.volatile_memory_bytes = 1 << 20;
    world_.open();
    passing_ = *world_.broker->catalog().put_named_queue("passing", false);
    open();
    for (int n = 0; n < 1000; ++n)
        publish(passing_, std::to_string(n) + std::string(10'000, '.'), false);
    EXPECT_LE(world_.broker->volatile_log().counters().memory_bytes, 1u << 20);
    EXPECT_GT(world_.broker->volatile_log().counters().file_bytes, 8u << 20);
    world_.files.faults().not_now = 1;
    NoAck sink;
    for (int rounds = 0; sink.texts.size() < 1000 && rounds < 3000; ++rounds) {
        ASSERT_TRUE(world_.broker->offer(on_passing_, 10, sink).ok());
        world_.worker->run_all();
        world_.tick();
    }
    ASSERT_EQ(sink.texts.size(), 1000u);
    for (std::size_t n = 0; n < 1000; ++n)
        ASSERT_EQ(sink.texts[n], std::to_string(n) + std::string(10'000, '.'));
    EXPECT_EQ(world_.broker->volatile_log().counters().file_bytes, 0u);
}

TEST_F(TransientTest, ADelayedMessageForAQueueThatIsNotDurableIsRefused) {
    Publication message;
    message.queue = passing_;
    EXPECT_EQ(world_.broker->publish_at(message, world_.now().wall_ms + 1000).error().code,
              Errc::unsupported);
}

/// A queue of both kinds against a plain list, over kills.
TEST_F(TransientTest, RandomHistoriesGiveWhatAListGives) {
    struct Message {
        std::string text;
        bool persistent = false, taken = false;
    };
    for (std::uint64_t seed = 1; seed <= 30 && !HasFailure(); ++seed) {
        SCOPED_TRACE(seed);
        env::Random random(seed);
        if (passing_.value() == 0) restart();
        for (const Taken& left : world_.take(on_durable_, 100'000).taken)
            settle(on_durable_, left.offset.value());
        std::deque<Message> queue;                       // what is not settled, in order
        std::map<std::uint64_t, std::string> in_flight;  // by offset
        const double persistent = random.chance(0.5) ? 0.5 : 0.05;
        int said = 0;
        for (int step = 0; step < 600 && !HasFailure(); ++step) {
            switch (random.below(8)) {
                case 0:
                case 1:
                case 2: {
                    Message message{std::to_string(++said), random.chance(persistent), false};
                    publish(durable_, message.text, message.persistent);
                    queue.push_back(message);
                    break;
                }
                case 3:
                    world_.tick(1);
                    break;
                case 4: {
                    world_.tick();
                    const auto took =
                        world_.take(on_durable_, static_cast<std::uint32_t>(random.below(6) + 1));
                    auto at = queue.begin();
                    for (std::size_t n = 0; n < took.texts.size(); ++n, ++at) {
                        while (at != queue.end() && at->taken)
                            ++at;
                        ASSERT_NE(at, queue.end());
                        ASSERT_EQ(took.texts[n], at->text);
                        at->taken = true;
                        in_flight[took.taken[n].offset.value()] = at->text;
                    }
                    break;
                }
                case 5:
                case 6: {
                    if (in_flight.empty()) break;
                    auto at = in_flight.begin();
                    std::advance(at, static_cast<std::ptrdiff_t>(random.below(in_flight.size())));
                    const auto message = std::find_if(queue.begin(), queue.end(), [&](const Message& one) {
                        return one.text == at->second;
                    });
                    if (random.chance(0.5)) {
                        settle(on_durable_, at->first);
                        queue.erase(message);
                    } else {
                        EXPECT_TRUE(world_.broker->requeue(on_durable_, model::QueueOffset(at->first)).ok());
                        message->taken = false;
                    }
                    in_flight.erase(at);
                    break;
                }
                case 7: {
                    if (!random.chance(0.1)) break;
                    world_.tick();
                    restart();
                    std::erase_if(queue, [](const Message& one) { return !one.persistent; });
                    for (Message& message : queue)
                        message.taken = false;
                    in_flight.clear();
                    break;
                }
            }
            const auto counts = world_.broker->counts(on_durable_);
            if (step % 10 == 0) {
                world_.tick();
                ASSERT_EQ(world_.broker->counts(on_durable_).ready + counts.in_flight, queue.size());
            }
        }
    }
}

}  // namespace
}  // namespace posthorn::broker
