#include "delays.h"

#include <gtest/gtest.h>

#include <map>

#include "broker_test_support.h"

namespace posthorn::broker {
namespace {

using Texts = World::Texts;

TEST(Delays, AMessageAppearsToTheMillisecondAndNotBefore) {
    World world;
    world.open();
    const auto queue = world.topic("t");
    world.publish(queue, "later", world.now().wall_ms + 50);
    world.tick(49);
    world.tick();
    EXPECT_EQ(world.fetch(queue), Texts{});
    EXPECT_EQ(world.broker->next_tick_ms(), world.now().steady_ms + 1);
    world.tick(1);
    world.tick();
    EXPECT_EQ(world.fetch(queue), Texts{"later"});
}

TEST(Delays, AReadThatFailsWhileTheyAreDueGivesNoneOfThemUp) {
    BrokerOptions options;
    World world(options);
    world.options.queue_segment_bytes = world.options.queue_tail_bytes = 64 << 10;
    world.open();
    const auto queue = world.topic("t");
    for (int n = 0; n < 300; ++n) {
        world.publish(queue, std::to_string(n) + std::string(500, 'x'), world.now().wall_ms + 600'000);
        if (n % 50 == 0) world.settle();
    }
    world.settle();
    world.kill();
    world.open();
    const auto ticks = [&](int count, std::int64_t ms) {
        for (int n = 0; n < count; ++n, world.tick(ms))
            world.worker->run_all();
    };
    ticks(5, 1);
    world.files.faults().not_now = world.files.faults().read_error = 1;
    world.clock.advance_ms(700'000);
    ticks(100, 10);
    world.files.faults() = {};
    ticks(100, 100);
    EXPECT_EQ(world.broker->counters().fired, 300u);
    EXPECT_EQ(world.broker->range(queue).end, model::QueueOffset(300));
    EXPECT_EQ(world.broker->counters().timers_waiting, 0u);
}

/// One large message first, then small ones; opened again with other options when they are due.
Texts fired_after(const std::function<void(BrokerOptions&)>& change, std::uint64_t* given_up) {
    World world;
    world.open();
    const auto queue = world.topic("t");
    world.publish(queue, std::string(7'000, 'b'), world.now().wall_ms + 100'000);
    world.publish(queue, "2", world.now().wall_ms + 200'000);
    world.publish(queue, "3", world.now().wall_ms + 300'000);
    world.settle();
    world.kill();
    change(world.options);
    world.open();
    for (int n = 0; n < 100; ++n, world.tick(5'000))
        world.worker->run_all();
    Texts texts;
    for (const std::string& text : world.fetch(queue))
        texts.push_back(text.substr(0, 1));
    *given_up = world.broker->counters().timers_given_up;
    EXPECT_EQ(world.broker->counters().timers_waiting, 0u);
    return texts;
}

TEST(Delays, AMessageThatFitsNowhereAnyMoreHoldsUpNoOther) {
    std::uint64_t given_up = 0;
    EXPECT_EQ(fired_after([](BrokerOptions& options) { options.stream_tail_bytes = 16 << 10; }, &given_up),
              (Texts{"2", "3"}));
    EXPECT_EQ(given_up, 1u);
}

TEST(Delays, AMessageThatWasTakenUnderALargerLimitComesAllTheSame) {
    std::uint64_t given_up = 0;
    const auto change = [](BrokerOptions& options) {
        options.max_message_bytes = 1;
        options.stream_segment_bytes = 16 << 10;  // a record would have a quarter of it
    };
    EXPECT_EQ(fired_after(change, &given_up), (Texts{"b", "2", "3"}));
    EXPECT_EQ(given_up, 0u);
}

TEST(Delays, TheyComeInTheOrderOfTheirDueTimes) {
    World world;
    world.open();
    const auto queue = world.topic("t");
    const auto now = world.now().wall_ms;
    world.publish(queue, "3", now + 30);
    world.publish(queue, "1", now + 10);
    world.publish(queue, "2", now + 20);
    world.publish(queue, "2b", now + 20);
    world.tick(100);
    world.tick();
    EXPECT_EQ(world.fetch(queue), (Texts{"1", "2", "2b", "3"}));
}

/// Random delays, jumps of time and crashes against a plain map.
class FarDelays {
  public:
    FarDelays(std::uint64_t seed, std::uint32_t near_timers) : random_(seed) {
        world_.options.near_timers = near_timers;
        world_.open();
        queue_ = world_.topic("t");
        world_.settle();
    }

    void run(std::int64_t for_ms) {
        const std::int64_t end = now_ms() + for_ms;
        while (now_ms() < end || !model_.empty()) {
            if (now_ms() < end)
                for (std::uint64_t n = random_.below(60); n > 0; --n)
                    publish();
            if (random_.chance(0.02)) crash();
            world_.tick(random_.chance(0.05) ? 200'000 : static_cast<std::int64_t>(random_.below(20'000)));
            let_fire();
            for (; !model_.empty() && model_.begin()->first.first <= now_ms(); model_.erase(model_.begin()))
                expected_.push_back(model_.begin()->second);
            ASSERT_EQ(world_.broker->range(queue_).end.value(), expected_.size());
            ASSERT_EQ(world_.broker->counters().timers_waiting, model_.size());
        }
        EXPECT_EQ(seen(), expected_);
    }

  private:
    std::int64_t now_ms() const { return world_.now().wall_ms; }
    void publish() {
        const std::uint64_t longest = random_.chance(0.2) ? 36'000'000 : 300'000;
        const std::int64_t due = now_ms() + 1 + static_cast<std::int64_t>(random_.below(longest));
        const std::string text = std::to_string(++number_);
        world_.publish(queue_, text, due);
        model_[{due, number_}] = text;
    }
    void crash() {
        world_.settle();
        let_fire();
        world_.settle();
        random_.chance(0.5) ? world_.kill() : world_.cut_power();
        world_.open();
    }
    void let_fire() {
        for (int n = 0; n < 50 && (n < 3 || world_.broker->next_tick_ms() <= world_.now().steady_ms); ++n) {
            world_.worker->run_all();
            world_.tick();
        }
    }
    Texts seen() {
        Texts seen;
        while (seen.size() < expected_.size()) {
            const Texts some = world_.fetch(queue_, seen.size());
            seen.insert(seen.end(), some.begin(), some.end());
            world_.worker->run_all();  // what comes from the disk
            world_.tick();
        }
        return seen;
    }

    env::Random random_;
    World world_;
    model::QueueId queue_;
    std::map<std::pair<std::int64_t, int>, std::string> model_;  // by due time, then number
    Texts expected_;
    int number_ = 0;
};

TEST(Delays, FarOnesComeToTheMillisecondAndInOrderWhateverHappensBetween) {
    for (const std::uint32_t near_timers : {0u, 50u, 500u, 1u << 18})
        for (std::uint64_t seed = 1; seed <= 3; ++seed) {
            SCOPED_TRACE("seed " + std::to_string(seed) + ", near " + std::to_string(near_timers));
            FarDelays(seed, near_timers).run(40 * 60'000);
            if (testing::Test::HasFatalFailure()) return;
        }
}

TEST(Delays, OnlySoManyAreInMemoryUnlessTheyAreDueWithinMinutes) {
    World world;
    world.options.near_timers = 100;
    world.open();
    const auto queue = world.topic("t");
    const auto now = world.now().wall_ms;
    for (int n = 0; n < 5'000; ++n) {
        world.publish(queue, "later", now + 600'000 + n * 1'000);
        if (n % 50 == 0) world.tick();
        EXPECT_LE(world.broker->counters().timers_near, 150u);
    }
    world.settle();
    world.kill();
    world.open();
    EXPECT_EQ(world.broker->counters().timers_waiting, 5'000u);
    std::uint64_t fired = 0;
    for (int n = 0; n < 6'000; ++n) {
        world.worker->run_all();
        world.tick(1'000);
        EXPECT_LE(world.broker->counters().timers_near, 240u);  // two minutes of them, and twice the limit
        ASSERT_GE(world.broker->counters().fired, fired);
        fired = world.broker->counters().fired;
    }
    EXPECT_EQ(fired, 5'000u);
}

TEST(Delays, FarOnesDoNotKeepTheEngineAwake) {
    World world;
    world.options.near_timers = 0;
    world.open();
    world.publish(world.topic("t"), "later", world.now().wall_ms + 3'600'000);
    world.settle();
    const std::int64_t next = world.broker->next_tick_ms() - world.now().steady_ms;
    EXPECT_GE(next, 1'000);
    EXPECT_LE(next, 60'000);  // then they are read
    for (int n = 0; n < 100; ++n) {
        world.tick(std::max<std::int64_t>(world.broker->next_tick_ms() - world.now().steady_ms, 0));
        world.worker->run_all();
        world.tick();
        EXPECT_GT(world.broker->next_tick_ms(), world.now().steady_ms);
    }
}

TEST(Delays, ManyThatLieFarApartOnTheDiskDoNotDriveEachOtherOut) {
    World world;
    world.files.faults().not_now = 1;  // nothing is in the page cache
    world.open();
    const auto queue = world.topic("t");
    const auto now = world.now().wall_ms;
    constexpr int count = 3'000;
    for (int n = 0; n < count; ++n) {
        world.publish(queue, std::string(2'000, 'x'), now + 3'600'000 + n * 7919 % count);
        if (n % 100 == 0) world.settle();
    }
    world.settle();
    world.tick(7'200'000);
    for (int n = 0; n < 20'000 && world.broker->counters().timers_waiting > 0; ++n) {
        world.worker->run_all();
        world.tick();
    }
    EXPECT_EQ(world.broker->counters().fired, static_cast<std::uint64_t>(count));
}

TEST(Delays, AClockThatIsSetBackFiresNothingTwice) {
    World world;
    world.options.near_timers = 0;
    world.open();
    const auto queue = world.topic("t");
    world.settle();
    const auto now = world.now().wall_ms;
    for (int n = 0; n < 10; ++n)
        world.publish(queue, "soon", now + 1'000 + n);
    world.publish(queue, "late", now + 7'200'000);
    world.tick(5'000);  // fired, and nothing of it is durable
    world.clock.set_wall_ms(now - 3'600'000);
    for (int n = 0; n < 300; ++n) {
        world.tick(30'000);
        world.publish(queue, "between", world.now().wall_ms + 500'000);
        if (n > 20) world.worker->run_all();
    }
    world.clock.set_wall_ms(now + 20'000'000);
    for (int n = 0; n < 5; ++n) {
        world.worker->run_all();
        world.tick();
    }
    EXPECT_EQ(world.broker->range(queue).end.value(), 311u);
}

TEST(Delays, ATimeThatIsNotInTheFutureMeansNow) {
    World world;
    world.open();
    const auto queue = world.topic("t");
    EXPECT_FALSE(world.publish(queue, "a", world.now().wall_ms).delayed);
    world.tick();
    EXPECT_EQ(world.fetch(queue), Texts{"a"});
}

TEST(Delays, ADelayOfThirtyYearsIsATypingError) {
    World world;
    world.open();
    Publication message;
    message.queue = world.topic("t");
    const auto far = world.now().wall_ms + 30ll * 366 * 24 * 3600 * 1000;
    EXPECT_EQ(world.broker->publish_at(message, far).error().code, Errc::invalid);
}

TEST(Delays, AWaitingMessageSurvivesAKillAndAPowerCut) {
    World world;
    world.open();
    const auto queue = world.topic("t");
    world.publish(queue, "later", world.now().wall_ms + 60'000);
    world.settle();
    world.kill();
    world.open();
    EXPECT_EQ(world.broker->counters().timers_waiting, 1u);
    world.cut_power();
    world.open();
    world.tick(60'000);
    world.tick();
    EXPECT_EQ(world.fetch(queue), Texts{"later"});
}

TEST(Delays, AfterAKillInTheTickThatFiredItComesOnce) {
    for (const bool ended : {false, true}) {
        World world;
        world.open();
        const auto queue = world.topic("t");
        world.publish(queue, "later", world.now().wall_ms + 1000);
        world.settle();  // ends a tick after it was due: it is in the stream log
        world.tick(1000);
        if (ended) world.tick();
        for (int round = 0; round < 3; ++round) {
            world.kill();
            world.open();
            world.tick();
        }
        EXPECT_EQ(world.fetch(queue), Texts{"later"}) << ended;
    }
}

TEST(Delays, WhenAPowerCutTookTheFiredRecordItFiresAgain) {
    World world;
    world.open();
    const auto queue = world.topic("t");
    const auto other = world.topic("t", 1);
    world.publish(queue, "later", world.now().wall_ms + 3000);
    world.settle();
    world.tick(1000);  // fired: appended to the stream log
    world.tick();      // written, with its note
    EXPECT_EQ(world.fetch(queue), Texts{"later"});
    world.cut_power();
    world.open();
    world.publish(other, "takes the place");
    world.tick();
    world.tick();
    EXPECT_EQ(world.fetch(queue), Texts{"later"});
    world.kill();
    world.open();
    world.tick();
    EXPECT_EQ(world.fetch(queue), Texts{"later"});
}

TEST(Delays, AMessageWhoseTopicWentIsDropped) {
    World world;
    world.open();
    world.publish(world.topic("t"), "later", world.now().wall_ms + 10);
    ASSERT_TRUE(world.broker->catalog().delete_topic("t").ok());
    world.tick(20);
    world.tick();
    EXPECT_EQ(world.broker->counters().timers_waiting, 0u);
    EXPECT_EQ(world.broker->counters().fired, 0u);
}

TEST(Delays, ANamedQueueGetsItsDelayedMessagesToo) {
    World world;
    world.open();
    const auto queue = *world.broker->catalog().put_named_queue("work");
    const auto reader = *world.broker->open_reader("worker", queue);
    world.publish(queue, "later", world.now().wall_ms + 10);
    world.tick(10);
    world.tick();
    EXPECT_EQ(world.take(reader).texts, Texts{"later"});
    world.kill();
    world.open();
    world.tick();
    EXPECT_EQ(world.take(*world.broker->open_reader("worker", queue)).texts, Texts{"later"});
}

}  // namespace
}  // namespace posthorn::broker
