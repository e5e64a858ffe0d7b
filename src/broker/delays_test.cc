#include "delays.h"

#include <gtest/gtest.h>

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
