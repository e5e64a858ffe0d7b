#include "exchange_test_support.h"

namespace posthorn::exchange {
namespace {

using testing::ElementsAre;

class DispatchTest : public testing::Test {
  protected:
    void consume(Queue& queue, TestConsumer& consumer) {
        const auto joined = station_.host->consume(queue, consumer);
        ASSERT_TRUE(joined.ok()) << joined.error().message;
    }
    void leave(TestConsumer& consumer) {
        for (const auto& held : consumer.held)
            EXPECT_TRUE(held.queue->requeue(held.id).ok());
        consumer.held.clear();
        station_.host->leave(consumer);
    }
    void settle(TestConsumer& consumer, std::size_t n = 0) {
        EXPECT_TRUE(consumer.held[n].queue->settle(consumer.held[n].id).ok());
        consumer.held.erase(consumer.held.begin() + static_cast<std::ptrdiff_t>(n));
    }
    void requeue(TestConsumer& consumer, std::size_t n = 0) {
        EXPECT_TRUE(consumer.held[n].queue->requeue(consumer.held[n].id).ok());
        consumer.held.erase(consumer.held.begin() + static_cast<std::ptrdiff_t>(n));
    }

    Station station_;
};

TEST_F(DispatchTest, APublishedMessageReachesAConsumerInTheSameTick) {
    Queue& queue = station_.queue("q");
    TestConsumer consumer;
    consume(queue, consumer);
    EXPECT_EQ(station_.send("q", "hello").outcome, Published::Outcome::routed);
    station_.one_tick(0);
    EXPECT_THAT(consumer.bodies, ElementsAre("hello"));
    EXPECT_EQ(queue.counts().ready, 0u);
    EXPECT_EQ(queue.counts().unacked, 1u);
    settle(consumer);
    EXPECT_EQ(queue.counts().unacked, 0u);
    EXPECT_EQ(queue.counts().acknowledged, 1u);
    leave(consumer);
}

TEST_F(DispatchTest, AConsumerThatSettlesAtOnceHasNothingInFlight) {
    Queue& queue = station_.queue("q");
    TestConsumer consumer({.settles_at_once = true});
    consume(queue, consumer);
    for (int n = 0; n < 1000; ++n)
        station_.send("q", std::to_string(n));
    station_.tick();
    EXPECT_EQ(consumer.bodies.size(), 1000u);
    EXPECT_EQ(queue.counts().unacked, 0u);
    EXPECT_EQ(queue.counts().delivered_settled, 1000u);
    leave(consumer);
    station_.kill();
    EXPECT_EQ(station_.drain("q"), Bodies{});
}

TEST_F(DispatchTest, EqualConsumersTakeTurns) {
    Queue& queue = station_.queue("q");
    TestConsumer a, b, c;
    for (auto* consumer : {&a, &b, &c})
        consume(queue, *consumer);
    for (int n = 0; n < 9; ++n)
        station_.send("q", std::to_string(n));
    station_.tick();
    EXPECT_THAT(a.bodies, ElementsAre("0", "3", "6"));
    EXPECT_THAT(b.bodies, ElementsAre("1", "4", "7"));
    EXPECT_THAT(c.bodies, ElementsAre("2", "5", "8"));
    for (auto* consumer : {&a, &b, &c})
        leave(*consumer);
}

TEST_F(DispatchTest, AFullWindowLeavesTheMessageToTheOthersAndToLater) {
    Queue& queue = station_.queue("q");
    TestConsumer narrow({}, 1), wide({}, 3);
    consume(queue, narrow);
    consume(queue, wide);
    for (int n = 0; n < 6; ++n)
        station_.send("q", std::to_string(n));
    station_.tick();
    EXPECT_THAT(narrow.bodies, ElementsAre("0"));
    EXPECT_THAT(wide.bodies, ElementsAre("1", "2", "3"));
    EXPECT_EQ(queue.counts().ready, 2u);
    settle(narrow);
    queue.consumer_ready(narrow);
    station_.tick();
    EXPECT_THAT(narrow.bodies, ElementsAre("0", "4"));
    leave(narrow);
    leave(wide);
}

TEST_F(DispatchTest, TheHighestPriorityWithRoomIsServedFirst) {
    Queue& queue = station_.queue("q");
    TestConsumer low({}, 10), high({.arguments = {{"x-priority", {std::int64_t{5}}}}}, 2);
    consume(queue, low);
    consume(queue, high);
    for (int n = 0; n < 4; ++n)
        station_.send("q", std::to_string(n));
    station_.tick();
    EXPECT_THAT(high.bodies, ElementsAre("0", "1"));
    EXPECT_THAT(low.bodies, ElementsAre("2", "3"));
    leave(low);
    leave(high);
}

TEST_F(DispatchTest, ARequeuedMessageGoesBackToItsPlaceAndIsMarked) {
    Queue& queue = station_.queue("q");
    TestConsumer first({}, 3);
    for (int n = 0; n < 5; ++n)
        station_.send("q", std::to_string(n));
    consume(queue, first);
    station_.tick();
    first.closed = true;
    requeue(first, 2);
    requeue(first, 0);
    settle(first, 0);
    TestConsumer second;
    consume(queue, second);
    station_.tick();
    EXPECT_THAT(second.bodies, ElementsAre("0", "2", "3", "4"));
    EXPECT_TRUE(second.held[0].redelivered);
    EXPECT_TRUE(second.held[1].redelivered);
    EXPECT_FALSE(second.held[2].redelivered);
    EXPECT_EQ(queue.counts().redelivered, 2u);
    leave(first);
    leave(second);
}

TEST_F(DispatchTest, OfSeveralConsumersASingleActiveOneIsServedUntilItLeaves) {
    Queue& queue = station_.queue("q", {{"x-single-active-consumer", {true}}});
    TestConsumer a, b;
    consume(queue, a);
    consume(queue, b);
    station_.send("q", "0");
    station_.send("q", "1");
    station_.tick();
    EXPECT_THAT(a.bodies, ElementsAre("0", "1"));
    leave(a);
    station_.tick();
    EXPECT_THAT(b.bodies, ElementsAre("0", "1"));
    leave(b);
}

TEST_F(DispatchTest, AnExclusiveConsumerWantsToBeAlone) {
    Queue& queue = station_.queue("q");
    TestConsumer alone({.exclusive = true}), other;
    consume(queue, alone);
    const auto refused = station_.host->consume(queue, other);
    EXPECT_EQ(refused.error().code, Errc::denied);
    EXPECT_EQ(refused.error().message, "queue 'q' in vhost '/' in exclusive use");
    leave(alone);
    consume(queue, other);
    EXPECT_EQ(station_.host->consume(queue, alone).error().code, Errc::denied);
    leave(other);
}

TEST_F(DispatchTest, ADeletedQueueTakesLeaveAndWhatIsInFlightMayStillBeSettled) {
    Queue& queue = station_.queue("q");
    TestConsumer consumer({}, 1);
    consume(queue, consumer);
    station_.send("q", "0");
    station_.send("q", "1");
    station_.tick();
    EXPECT_EQ(*station_.host->delete_queue("q", false, false, 0), 1u);
    EXPECT_TRUE(consumer.was_cancelled);
    EXPECT_FALSE(consumer.joined());
    EXPECT_TRUE(queue.deleted());
    station_.tick();
    Queue& again = station_.queue("q");
    EXPECT_NE(&again, &queue);
    settle(consumer);
    station_.tick();
    EXPECT_EQ(station_.drain("q"), Bodies{});
}

TEST_F(DispatchTest, GetGivesTheHeadAndKeepsTheRest) {
    Queue& queue = station_.queue("q");
    station_.send("q", "0");
    station_.send("q", "1");
    std::vector<std::pair<std::string, std::uint64_t>> got;
    std::vector<DeliveryId> ids;
    const auto take = [&](const broker::Stored& message, const Delivery& delivery) {
        got.emplace_back(TestMessage::decode(message.payload).body, delivery.ready_left);
        ids.push_back(delivery.id);
    };
    EXPECT_EQ(*station_.host->get(queue, false, take), VirtualHost::Got::later);
    station_.tick();
    EXPECT_EQ(*station_.host->get(queue, false, take), VirtualHost::Got::message);
    EXPECT_EQ(*station_.host->get(queue, true, take), VirtualHost::Got::message);
    EXPECT_EQ(*station_.host->get(queue, true, take), VirtualHost::Got::empty);
    EXPECT_THAT(got, ElementsAre(std::pair("0", 1u), std::pair("1", 0u)));
    EXPECT_EQ(queue.counts().got, 1u);
    EXPECT_EQ(queue.counts().got_settled, 1u);
    EXPECT_TRUE(queue.requeue(ids[0]).ok());
    EXPECT_EQ(station_.drain("q"), Bodies{"0"});
}

TEST_F(DispatchTest, APurgeTakesWhatIsReadyAndLeavesWhatIsInFlight) {
    Queue& queue = station_.queue("q");
    TestConsumer consumer({}, 1);
    consume(queue, consumer);
    for (int n = 0; n < 5; ++n)
        station_.send("q", std::to_string(n));
    station_.tick();
    station_.send("q", "not yet written");
    EXPECT_EQ(*station_.host->purge_queue("q", 0), 5u);
    EXPECT_EQ(queue.counts().ready, 0u);
    EXPECT_EQ(queue.counts().unacked, 1u);
    requeue(consumer);
    station_.host->leave(consumer);
    EXPECT_EQ(station_.drain("q"), Bodies{"0"});
}

TEST_F(DispatchTest, APersistentMessageOnADurableQueueSurvivesAKillAndATransientQueueDoesNot) {
    station_.queue("stays");
    station_.queue("goes", {}, false);
    station_.exchange("all", "fanout");
    station_.bind("all", "stays");
    station_.bind("all", "goes");
    const Published published = station_.send({"all", "", "hello"});
    ASSERT_TRUE(published.receipt);
    EXPECT_TRUE(published.must_sync);
    station_.tick();
    EXPECT_EQ(station_.broker->state(*published.receipt), broker::Promise::kept);
    EXPECT_EQ(station_.broker->state(*published.receipt, true), broker::Promise::pending);
    station_.sync();
    EXPECT_EQ(station_.broker->state(*published.receipt, true), broker::Promise::kept);
    station_.cut_power();
    EXPECT_EQ(station_.host->queue("goes"), nullptr);
    EXPECT_EQ(station_.drain("stays"), Bodies{"hello"});
    EXPECT_EQ(station_.send({"all", "", "again"}).outcome, Published::Outcome::routed);
}

TEST_F(DispatchTest, AGetWaitsForTheHigherPriorityRatherThanTakingTheLower) {
    Queue& queue = station_.queue("q", {{"x-max-priority", {std::int64_t{2}}}});
    station_.send({.key = "q", .body = "low", .priority = 0});
    station_.tick();
    station_.send({.key = "q", .body = "high", .priority = 2});
    std::string got;
    const auto take = [&](const broker::Stored& message, const Delivery&) {
        got = TestMessage::decode(message.payload).body;
    };
    EXPECT_EQ(*station_.host->get(queue, true, take), VirtualHost::Got::later) << "it is not written yet";
    station_.tick();
    EXPECT_EQ(*station_.host->get(queue, true, take), VirtualHost::Got::message);
    EXPECT_EQ(got, "high");
    EXPECT_EQ(*station_.host->get(queue, true, take), VirtualHost::Got::message);
    EXPECT_EQ(got, "low");
}

TEST(CrowdedTest, ATooLargeNumberInFlightStopsOnlyWhatWouldAddToIt) {
    broker::BrokerOptions options;
    options.in_flight_max = 2;
    Station station(options);
    Queue& queue = station.queue("q");
    Queue& other = station.queue("other");
    station.queue("grave");
    station.queue("dying", {{"x-dead-letter-exchange", {std::string()}},
                            {"x-dead-letter-routing-key", {std::string("grave")}},
                            {"x-message-ttl", {std::int64_t{10}}}});
    TestConsumer hoarder, reader({.settles_at_once = true});
    ASSERT_TRUE(station.host->consume(queue, hoarder).ok());
    ASSERT_TRUE(station.host->consume(other, reader).ok());
    for (int n = 0; n < 3; ++n) {
        station.send("q", std::to_string(n));
        station.send("other", std::to_string(n));
        station.send("dying", std::to_string(n));
    }
    station.wait(50);
    EXPECT_EQ(hoarder.bodies.size(), 2u);
    EXPECT_EQ(reader.bodies.size(), 3u);
    EXPECT_EQ(station.host->queue("grave")->counts().ready, 3u);
    const auto got = station.host->get(queue, false, [](const auto&, const auto&) {});
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(*got, VirtualHost::Got::later);
    const auto held = hoarder.held.front();
    hoarder.held.pop_front();
    EXPECT_TRUE(held.queue->settle(held.id).ok());
    station.wait(200);
    EXPECT_EQ(hoarder.bodies.size(), 3u);
    station.host->leave(hoarder);
    station.host->leave(reader);
}

TEST_F(DispatchTest, BusyQueuesTakeTurnsHoweverManyThereAre) {
    // More than get their share in one tick.
    const VirtualHosts::Options options;
    const std::size_t many = options.tick_messages / options.turn_messages + 16;
    std::vector<std::unique_ptr<TestConsumer>> consumers;
    for (std::size_t n = 0; n < many; ++n) {
        Queue& queue = station_.queue("q" + std::to_string(n), {}, false);
        for (std::uint32_t sent = 0; sent < 4 * options.turn_messages; ++sent)
            station_.send({.key = queue.spec().name, .body = "m", .persistent = false});
        consumers.push_back(std::make_unique<TestConsumer>(Consumer::Options{.settles_at_once = true}));
        consume(queue, *consumers.back());
    }
    for (int tick = 0; tick < 3; ++tick)
        station_.one_tick(0);
    for (const auto& consumer : consumers) {
        EXPECT_GE(consumer->bodies.size(), options.turn_messages);
        leave(*consumer);
    }
}

}  // namespace
}  // namespace posthorn::exchange
