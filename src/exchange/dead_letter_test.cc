#include <set>

#include "exchange_test_support.h"

namespace posthorn::exchange {
namespace {

using testing::ElementsAre;

model::Value number(std::int64_t n) {
    return {n};
}
model::Value text(const char* t) {
    return {std::string(t)};
}

class DeadLetterTest : public testing::Test {
  protected:
    void consume(Queue& queue, TestConsumer& consumer) {
        ASSERT_TRUE(station_.host->consume(queue, consumer).ok());
        station_.tick();
    }
    void reject_all(TestConsumer& consumer) {
        for (const auto& held : std::exchange(consumer.held, {}))
            EXPECT_TRUE(held.queue->reject(held.id).ok());
        station_.tick();
    }
    void leave(TestConsumer& consumer) {
        for (const auto& held : std::exchange(consumer.held, {}))
            EXPECT_TRUE(held.queue->requeue(held.id).ok());
        station_.host->leave(consumer);
    }
    /// The deaths of the first message in the queue, which is taken.
    std::vector<std::string> deaths(const std::string& queue) {
        station_.tick();
        TestMessage message;
        static_cast<void>(station_.host->get(*station_.host->queue(queue), true,
                                             [&](const broker::Stored& stored, const Delivery&) {
                                                 message = TestMessage::decode(stored.payload);
                                             }));
        last_ = message;
        return message.deaths;
    }

    Station station_;
    TestMessage last_;
};

TEST_F(DeadLetterTest, ARejectedMessageGoesToTheDeadLetterExchangeWithItsDeathNoted) {
    Queue& queue = station_.queue("work", {{"x-dead-letter-exchange", text("amq.fanout")}});
    station_.queue("dead");
    station_.bind("amq.fanout", "dead");
    TestConsumer consumer;
    consume(queue, consumer);
    station_.send({.exchange = "", .key = "work", .body = "a", .ttl_ms = 60'000});
    station_.tick();
    reject_all(consumer);
    EXPECT_EQ(queue.counts().unacked, 0u);
    EXPECT_EQ(queue.counts().rejected, 1u);
    EXPECT_EQ(queue.counts().dead_lettered, 1u);
    EXPECT_THAT(deaths("dead"), ElementsAre("rejected work"));
    EXPECT_EQ(last_.body, "a");
    EXPECT_EQ(last_.key, "work");
    EXPECT_EQ(last_.exchange, "amq.fanout");
    EXPECT_EQ(last_.ttl, "");
    leave(consumer);
}

TEST_F(DeadLetterTest, TheKeyMayBeAnother) {
    Queue& queue = station_.queue(
        "work", {{"x-dead-letter-exchange", text("")}, {"x-dead-letter-routing-key", text("dead")}});
    station_.queue("dead");
    TestConsumer consumer;
    consume(queue, consumer);
    station_.send({.key = "work", .body = "a", .more_keys = {"nobody"}});
    station_.tick();
    reject_all(consumer);
    EXPECT_THAT(deaths("dead"), ElementsAre("rejected work"));
    EXPECT_EQ(last_.more_keys, Bodies{});
    leave(consumer);
}

TEST_F(DeadLetterTest, WithoutDeadLetterExchangeTheDeadAreGone) {
    Queue& queue = station_.queue("work");
    Queue& lost = station_.queue("lost", {{"x-dead-letter-exchange", text("nowhere")}});
    for (Queue* one : {&queue, &lost}) {
        TestConsumer consumer;
        consume(*one, consumer);
        station_.send(one->spec().name, "a");
        station_.tick();
        reject_all(consumer);
        EXPECT_EQ(one->counts().ready + one->counts().unacked, 0u);
        leave(consumer);
    }
    station_.sync();
    station_.kill();
    EXPECT_EQ(station_.drain("work"), Bodies{});
    EXPECT_EQ(station_.drain("lost"), Bodies{});
}

TEST_F(DeadLetterTest, ExpiredAndOverflowingMessagesDieAsWell) {
    station_.queue("dead");
    station_.bind("amq.fanout", "dead");
    station_.queue("short", {{"x-dead-letter-exchange", text("amq.fanout")}, {"x-message-ttl", number(100)}});
    station_.queue("small", {{"x-dead-letter-exchange", text("amq.fanout")}, {"x-max-length", number(1)}});
    station_.send("short", "a");
    station_.wait(100);
    EXPECT_THAT(deaths("dead"), ElementsAre("expired short"));
    station_.send("small", "b");
    station_.send("small", "c");
    station_.tick();
    EXPECT_THAT(deaths("dead"), ElementsAre("maxlen small"));
    EXPECT_EQ(last_.body, "b");
    EXPECT_EQ(station_.drain("small"), Bodies{"c"});
}

TEST_F(DeadLetterTest, ARejectedPublicationMayDieWithoutEverHavingLived) {
    station_.queue("dead");
    station_.bind("amq.fanout", "dead");
    Queue& full = station_.queue("full", {{"x-dead-letter-exchange", text("amq.fanout")},
                                          {"x-max-length", number(1)},
                                          {"x-overflow", text("reject-publish-dlx")}});
    station_.send("full", "a");
    EXPECT_EQ(station_.send("full", "b").outcome, Published::Outcome::rejected);
    EXPECT_THAT(deaths("dead"), ElementsAre("maxlen full"));
    EXPECT_EQ(last_.body, "b");
    EXPECT_EQ(full.counts().dead_lettered, 1u);
    EXPECT_EQ(station_.drain("full"), Bodies{"a"});
}

TEST_F(DeadLetterTest, WhatExpiredWhileItWasDownWaitsForWhoeverCanWriteOnIt) {
    station_.queue("dead");
    station_.bind("amq.fanout", "dead");
    station_.queue("q", {{"x-message-ttl", number(100)}, {"x-dead-letter-exchange", text("amq.fanout")}});
    station_.send("q", "a");
    station_.tick();
    station_.with_codec = false;
    station_.clock.advance_ms(1000);
    station_.kill();
    station_.wait(1000);
    EXPECT_EQ(station_.host->queue("q")->counts().ready, 1u);
    station_.with_codec = true;
    station_.kill();
    station_.wait(1000);
    EXPECT_EQ(station_.host->queue("q")->counts().ready, 0u);
    EXPECT_THAT(deaths("dead"), ElementsAre("expired q"));
}

TEST_F(DeadLetterTest, AQuorumQueueKeepsWhatIsTransientToo) {
    station_.queue("q", {{"x-queue-type", text("quorum")}});
    const Published published = station_.send({.key = "q", .body = "a", .persistent = false});
    EXPECT_TRUE(published.must_sync);
    station_.sync();
    station_.cut_power();
    EXPECT_EQ(station_.drain("q"), Bodies{"a"});
}

TEST_F(DeadLetterTest, ADeliveryLimitEndsTheRound) {
    Queue& queue = station_.queue("q", {{"x-queue-type", text("quorum")},
                                        {"x-delivery-limit", number(2)},
                                        {"x-dead-letter-exchange", text("amq.fanout")}});
    station_.queue("dead");
    station_.bind("amq.fanout", "dead");
    TestConsumer consumer;
    consume(queue, consumer);
    station_.send("q", "a");
    for (int round = 1; round <= 3; ++round) {
        station_.tick();
        ASSERT_EQ(consumer.held.size(), 1u) << round;
        EXPECT_EQ(consumer.held[0].id.attempt, round);
        EXPECT_TRUE(queue.requeue(consumer.held[0].id).ok());
        consumer.held.clear();
    }
    station_.tick();
    EXPECT_TRUE(consumer.held.empty());
    EXPECT_THAT(deaths("dead"), ElementsAre("delivery_limit q"));
    leave(consumer);
}

TEST_F(DeadLetterTest, AMessageThatExpiresBackIntoItsOwnQueueIsDropped) {
    Queue& queue =
        station_.queue("q", {{"x-dead-letter-exchange", text("")}, {"x-message-ttl", number(100)}});
    station_.send("q", "a");
    station_.wait(1000);
    EXPECT_EQ(queue.counts().ready, 0u);
    EXPECT_EQ(queue.counts().published, 1u);
}

TEST_F(DeadLetterTest, ACircleThatARejectionDrivesGoesRound) {
    station_.queue("wait", {{"x-dead-letter-exchange", text("")},
                            {"x-dead-letter-routing-key", text("work")},
                            {"x-message-ttl", number(100)}});
    Queue& work = station_.queue(
        "work", {{"x-dead-letter-exchange", text("")}, {"x-dead-letter-routing-key", text("wait")}});
    TestConsumer consumer;
    consume(work, consumer);
    station_.send("work", "a");
    for (int round = 0; round < 5; ++round) {
        station_.tick();
        ASSERT_EQ(consumer.held.size(), 1u) << round;
        reject_all(consumer);
        station_.wait(100);
    }
    EXPECT_EQ(consumer.bodies.size(), 6u);
    leave(consumer);
}

TEST_F(DeadLetterTest, FullQueuesThatPointAtEachOtherEnd) {
    for (const auto& [name, other] : {std::pair("a", "b"), std::pair("b", "a")})
        station_.queue(name, {{"x-dead-letter-exchange", text("")},
                              {"x-dead-letter-routing-key", text(other)},
                              {"x-max-length", number(0)},
                              {"x-overflow", text("reject-publish-dlx")}});
    EXPECT_EQ(station_.send("a", "x").outcome, Published::Outcome::rejected);
    station_.tick();
    EXPECT_FALSE(station_.hosts->work_left());
}

TEST_F(DeadLetterTest, ARoutingByHeadersStillSeesThem) {
    Queue& queue = station_.queue("work", {{"x-dead-letter-exchange", text("amq.headers")}});
    station_.queue("red");
    station_.bind("amq.headers", "red", "", {{"colour", text("red")}});
    TestConsumer consumer;
    consume(queue, consumer);
    station_.send({.key = "work", .body = "a", .header = "colour=red"});
    station_.tick();
    reject_all(consumer);
    EXPECT_EQ(station_.drain("red"), Bodies{"a"});
    leave(consumer);
}

/// Power is lost after each of the ticks in which copies of many pages are made: whatever order the
/// disk kept pages in, each message is there as what it was or as what it became.
TEST_F(DeadLetterTest, TheOriginalIsKeptUntilItsCopyIsStored) {
    constexpr int count = 30;  // all of them in the memory tail
    const std::string filling(12'000, 'x');
    for (int ticks = 0; ticks < 4; ++ticks)
        for (std::uint64_t seed = 1; seed <= 8; ++seed) {
            SCOPED_TRACE(testing::Message() << ticks << " ticks, seed " << seed);
            Station station;
            Queue& queue = station.queue("work", {{"x-dead-letter-exchange", text("amq.fanout")}});
            station.queue("dead");
            station.bind("amq.fanout", "dead");
            TestConsumer consumer;
            ASSERT_TRUE(station.host->consume(queue, consumer).ok());
            for (int n = 0; n < count; ++n)
                station.send("work", std::to_string(n) + " " + filling);
            station.sync();
            ASSERT_EQ(consumer.held.size(), std::size_t{count});
            for (const auto& held : std::exchange(consumer.held, {}))
                ASSERT_TRUE(queue.reject(held.id).ok());
            for (int n = 0; n < ticks; ++n)
                station.one_tick(0);
            station.random = env::Random(seed);
            station.cut_power();
            std::set<std::string> there;
            for (const char* name : {"dead", "work"})
                for (const std::string& body : station.drain(name))
                    there.insert(body.substr(0, body.find(' ')));
            EXPECT_EQ(there.size(), std::size_t{count});
        }
}

// --- delayed -----------------------------------------------------------------------------------------------

TEST_F(DeadLetterTest, ADelayedMessageIsRoutedWhenItIsDue) {
    station_.exchange("later", "x-delayed-message", {{"x-delayed-type", text("direct")}});
    station_.queue("q");
    const Published published =
        station_.send({.exchange = "later", .key = "k", .body = "a", .delay_ms = 5000});
    EXPECT_EQ(published.outcome, Published::Outcome::routed);
    EXPECT_TRUE(published.receipt);
    station_.bind("later", "q", "k");  // bound in time
    station_.send({.exchange = "later", .key = "k", .body = "at once"});
    station_.wait(4999);
    EXPECT_EQ(station_.drain("q"), Bodies{"at once"});
    station_.wait(1);
    EXPECT_EQ(station_.drain("q"), Bodies{"a"});
}

TEST_F(DeadLetterTest, ADelayedMessageOfTheLargestSizeComes) {
    station_.options.max_message_bytes = 200 << 10;  // more than a quarter of the memory tail
    station_.kill();
    station_.exchange("later", "x-delayed-message", {{"x-delayed-type", text("direct")}});
    station_.queue("q");
    station_.bind("later", "q", "k");
    const std::string body(150 << 10, 'x');
    station_.send({.exchange = "later", .key = "k", .body = body, .delay_ms = 5000});
    station_.wait(5000);
    EXPECT_EQ(station_.drain("q"), Bodies{body});
}

TEST_F(DeadLetterTest, DelayedMessagesSurviveAPowerCut) {
    station_.exchange("later", "x-delayed-message", {{"x-delayed-type", text("topic")}});
    station_.queue("q");
    station_.bind("later", "q", "#");
    for (int n = 1; n <= 3; ++n)
        station_.send({.exchange = "later", .key = "k", .body = std::to_string(n), .delay_ms = n * 10'000});
    station_.sync();
    station_.cut_power();
    station_.wait(12'000);
    EXPECT_EQ(station_.drain("q"), Bodies{"1"});
    station_.sync();
    station_.kill();
    station_.wait(30'000);
    EXPECT_EQ(station_.drain("q"), (Bodies{"2", "3"}));
}

TEST_F(DeadLetterTest, ARetryThroughADelayedDeadLetterExchangeWorksMoreThanOnce) {
    station_.exchange("later", "x-delayed-message", {{"x-delayed-type", text("direct")}});
    Queue& queue = station_.queue("q", {{"x-dead-letter-exchange", text("later")}});
    station_.bind("later", "q", "q");
    TestConsumer consumer;
    consume(queue, consumer);
    station_.send({.exchange = "later", .key = "q", .body = "a", .delay_ms = 1000});
    for (int round = 1; round <= 3; ++round) {
        station_.wait(999);
        EXPECT_EQ(consumer.bodies.size(), static_cast<std::size_t>(round - 1));
        station_.wait(1);
        ASSERT_EQ(consumer.bodies.size(), static_cast<std::size_t>(round));
        reject_all(consumer);
    }
    leave(consumer);
}

TEST_F(DeadLetterTest, ManyRejectedAtOnceGoTheirWayInShares) {
    Queue& queue = station_.queue(
        "q", {{"x-dead-letter-exchange", text("")}, {"x-dead-letter-routing-key", text("grave")}});
    Queue& grave = station_.queue("grave");
    TestConsumer consumer;
    consume(queue, consumer);
    for (int n = 0; n < 3'000; ++n)
        station_.send("q", std::to_string(n));
    station_.tick();
    ASSERT_EQ(consumer.held.size(), 3'000u);
    for (const auto& held : consumer.held)
        EXPECT_TRUE(held.queue->reject(held.id).ok());
    consumer.held.clear();
    station_.one_tick(0);
    EXPECT_GT(grave.counts().ready, 0u);
    EXPECT_LT(grave.counts().ready, 2'000u);
    EXPECT_TRUE(station_.hosts->work_left());
    station_.tick();
    EXPECT_EQ(grave.counts().ready, 3'000u);
    EXPECT_EQ(queue.counts().unacked, 0u);
    EXPECT_EQ(station_.drain("grave").front(), "0");
    leave(consumer);
}

TEST_F(DeadLetterTest, TheTypeOfADelayedExchangeMustBeKnown) {
    const auto declare = [&](model::Arguments arguments) {
        return station_.host->declare_exchange(
            {"x", "x-delayed-message", true, false, false, std::move(arguments)});
    };
    EXPECT_EQ(declare({}).error().code, Errc::invalid);
    EXPECT_EQ(declare({{"x-delayed-type", text("x-delayed-message")}}).error().code, Errc::invalid);
    EXPECT_EQ(declare({{"x-delayed-type", text("sideways")}}).error().code, Errc::invalid);
}

}  // namespace
}  // namespace posthorn::exchange
