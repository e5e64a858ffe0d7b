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

class LimitsTest : public testing::Test {
  protected:
    void consume(Queue& queue, TestConsumer& consumer) {
        ASSERT_TRUE(station_.host->consume(queue, consumer).ok());
    }
    void leave(TestConsumer& consumer) {
        for (const auto& held : consumer.held)
            EXPECT_TRUE(held.queue->requeue(held.id).ok());
        consumer.held.clear();
        station_.host->leave(consumer);
    }
    Station station_;
};

// --- time to live ------------------------------------------------------------------------------------------

TEST_F(LimitsTest, AMessageOutlivesNeitherItsQueuesTimeNorItsOwn) {
    Queue& queue = station_.queue("q", {{"x-message-ttl", number(1000)}});
    station_.send({.key = "q", .body = "own", .ttl_ms = 400});
    station_.send("q", "queue's");
    station_.send({.key = "q", .body = "longer", .ttl_ms = 5000});
    station_.wait(399);
    EXPECT_EQ(queue.counts().ready, 3u);
    station_.wait(1);
    EXPECT_EQ(queue.counts().ready, 2u);
    station_.wait(599);
    EXPECT_EQ(queue.counts().ready, 2u);
    station_.wait(1);
    EXPECT_EQ(queue.counts().ready, 0u);
    EXPECT_EQ(queue.counts().expired, 3u);
}

TEST_F(LimitsTest, OnlyTheHeadExpires) {
    Queue& queue = station_.queue("q");
    station_.send("q", "stays");
    station_.send({.key = "q", .body = "behind", .ttl_ms = 100});
    station_.wait(1000);
    EXPECT_EQ(queue.counts().ready, 2u);
    EXPECT_EQ(station_.drain("q"), Bodies{"stays"});
    EXPECT_EQ(queue.counts().expired, 1u);
}

TEST_F(LimitsTest, AnExpiredMessageIsNeverDelivered) {
    Queue& queue = station_.queue("q");
    station_.send({.key = "q", .body = "old", .ttl_ms = 100});
    station_.send("q", "young");
    station_.tick();
    station_.clock.advance_ms(101);
    station_.broker->begin_tick(station_.now());
    TestConsumer consumer;
    consume(queue, consumer);
    station_.tick();
    EXPECT_THAT(consumer.bodies, ElementsAre("young"));
    leave(consumer);
}

TEST_F(LimitsTest, ATimeToLiveOfZeroMeansNowOrNever) {
    Queue& queue = station_.queue("q");
    station_.send({.key = "q", .body = "nobody there", .ttl_ms = 0});
    station_.tick();
    EXPECT_EQ(queue.counts().ready, 0u);
    TestConsumer consumer({}, 1);
    consume(queue, consumer);
    station_.send({.key = "q", .body = "room", .ttl_ms = 0});
    station_.send({.key = "q", .body = "no room", .ttl_ms = 0});
    station_.tick();
    EXPECT_THAT(consumer.bodies, ElementsAre("room"));
    EXPECT_EQ(queue.counts().ready, 0u);
    leave(consumer);
}

TEST_F(LimitsTest, ATimeToLiveOfZeroIsMetByAWaitingConsumerAlsoAfterASync) {
    broker::BrokerOptions options;
    options.flush = broker::Flush::sync;
    Station station(options);
    Queue& queue = station.queue("q");
    TestConsumer consumer({}, 1);
    ASSERT_TRUE(station.host->consume(queue, consumer).ok());
    station.send({.key = "q", .body = "room", .ttl_ms = 0});
    station.send({.key = "q", .body = "no room", .ttl_ms = 0});
    station.tick(5);
    EXPECT_THAT(consumer.bodies, ElementsAre());
    for (int n = 0; n < 4; ++n) {
        station.worker->run_all();
        station.tick(1);
    }
    EXPECT_THAT(consumer.bodies, ElementsAre("room"));
    EXPECT_EQ(queue.counts().ready, 0u);
    for (const auto& held : std::exchange(consumer.held, {}))
        EXPECT_TRUE(queue.requeue(held.id).ok());
    station.tick();
    EXPECT_EQ(queue.counts().ready, 0u) << "it had its chance";
    EXPECT_EQ(consumer.bodies.size(), 1u);
    station.host->leave(consumer);
}

TEST_F(LimitsTest, ARequeuedMessageStillExpiresAtItsTime) {
    Queue& queue = station_.queue("q", {{"x-message-ttl", number(1000)}});
    TestConsumer consumer({}, 1);
    consume(queue, consumer);
    station_.send("q", "a");
    station_.wait(600);
    consumer.closed = true;
    leave(consumer);
    station_.wait(399);
    EXPECT_EQ(queue.counts().ready, 1u);
    station_.wait(1);
    EXPECT_EQ(queue.counts().ready, 0u);
}

TEST_F(LimitsTest, AfterARestartMessagesExpireAtTheirTime) {
    station_.queue("q", {{"x-message-ttl", number(1000)}});
    station_.send("q", "a");
    station_.send({.key = "q", .body = "own", .ttl_ms = 500});
    station_.sync();  // passes 2000 ms
    station_.queue("r");
    station_.send({.key = "r", .body = "own", .ttl_ms = 500});
    station_.tick();
    station_.kill();
    EXPECT_EQ(station_.host->queue("r")->counts().ready, 1u);
    station_.wait(500);
    EXPECT_EQ(station_.host->queue("r")->counts().ready, 0u);
}

TEST_F(LimitsTest, WhoSetsTheClockMovesWhatWaitsForIt) {
    Queue& queue = station_.queue("q", {{"x-message-ttl", number(3'600'000)}});
    station_.send("q", "a");
    station_.tick();
    station_.clock.set_wall_ms(station_.clock.wall_ms() + 3'600'000);
    station_.tick(1);
    station_.tick();
    EXPECT_EQ(queue.counts().ready, 0u);
}

// --- an unused queue ---------------------------------------------------------------------------------------

TEST_F(LimitsTest, AnUnusedQueueExpiresAndUseKeepsIt) {
    station_.queue("q", {{"x-expires", number(1000)}});
    station_.wait(900);
    station_.queue("q", {{"x-expires", number(1000)}});  // declared again
    station_.wait(900);
    Queue* queue = station_.host->queue("q");
    ASSERT_NE(queue, nullptr);
    static_cast<void>(station_.host->get(*queue, true, [](const auto&, const auto&) {}));
    station_.wait(900);
    ASSERT_NE(station_.host->queue("q"), nullptr);
    station_.send("q", "publishing is no use");
    station_.wait(100);
    EXPECT_EQ(station_.host->queue("q"), nullptr);
}

TEST_F(LimitsTest, AConsumedQueueDoesNotExpire) {
    Queue& queue = station_.queue("q", {{"x-expires", number(1000)}});
    TestConsumer consumer;
    consume(queue, consumer);
    station_.wait(5000);
    EXPECT_EQ(station_.host->queue("q"), &queue);
    leave(consumer);
    station_.wait(999);
    EXPECT_EQ(station_.host->queue("q"), &queue);
    station_.wait(1);
    EXPECT_EQ(station_.host->queue("q"), nullptr);
}

TEST_F(LimitsTest, AnAutoDeleteQueueGoesWithItsLastConsumerAndNotBefore) {
    QueueSpec spec;
    spec.name = "q";
    spec.auto_delete = true;
    Queue& queue = **station_.host->declare_queue(spec);
    station_.wait(1000);
    TestConsumer a, b;
    consume(queue, a);
    consume(queue, b);
    leave(a);
    EXPECT_NE(station_.host->queue("q"), nullptr);
    leave(b);
    EXPECT_EQ(station_.host->queue("q"), nullptr);
}

// --- length ------------------------------------------------------------------------------------------------

TEST_F(LimitsTest, ALongQueueDropsItsHead) {
    Queue& queue = station_.queue("q", {{"x-max-length", number(3)}});
    for (int n = 0; n < 10; ++n)
        station_.send("q", std::to_string(n));
    station_.tick();
    EXPECT_EQ(queue.counts().ready, 3u);
    EXPECT_EQ(queue.counts().dropped, 7u);
    EXPECT_EQ(station_.drain("q"), (Bodies{"7", "8", "9"}));
}

TEST_F(LimitsTest, OnlyBodiesOfReadyMessagesCountAgainstTheByteLimit) {
    Queue& queue = station_.queue("q", {{"x-max-length-bytes", number(10)}});
    TestConsumer consumer({}, 1);
    consume(queue, consumer);
    for (const char* body : {"12345", "23456", "34567", "45678"})
        station_.send("q", body);
    station_.tick();
    EXPECT_THAT(consumer.bodies, ElementsAre("12345"));
    EXPECT_EQ(queue.counts().ready, 2u);
    EXPECT_EQ(queue.counts().ready_bytes, 10u);
    EXPECT_EQ(queue.counts().unacked_bytes, 5u);
    consumer.closed = true;
    leave(consumer);  // the requeued one is the head, and one too many
    station_.tick();
    EXPECT_EQ(station_.drain("q"), (Bodies{"34567", "45678"}));
}

TEST_F(LimitsTest, ConsumersTakeWhatTheyCanBeforeAnythingIsDropped) {
    Queue& queue = station_.queue("q", {{"x-max-length", number(2)}});
    TestConsumer consumer({}, 5);
    consume(queue, consumer);
    for (int n = 0; n < 10; ++n)
        station_.send("q", std::to_string(n));
    station_.tick();
    EXPECT_THAT(consumer.bodies, ElementsAre("0", "1", "2", "3", "4"));
    consumer.closed = true;
    leave(consumer);
    station_.tick();
    EXPECT_EQ(station_.drain("q"), (Bodies{"8", "9"}));
}

TEST_F(LimitsTest, AFullQueueMayRejectWhatIsPublished) {
    Queue& queue = station_.queue("q", {{"x-max-length", number(2)}, {"x-overflow", text("reject-publish")}});
    EXPECT_EQ(station_.send("q", "0").outcome, Published::Outcome::routed);
    EXPECT_EQ(station_.send("q", "1").outcome, Published::Outcome::routed);
    EXPECT_EQ(station_.send("q", "2").outcome, Published::Outcome::rejected);
    station_.tick();
    EXPECT_EQ(station_.send("q", "3").outcome, Published::Outcome::rejected);
    EXPECT_EQ(queue.counts().dropped, 2u);
    EXPECT_EQ(station_.drain("q"), (Bodies{"0", "1"}));
    EXPECT_EQ(station_.send("q", "4").outcome, Published::Outcome::routed);
}

TEST_F(LimitsTest, WhoCanTakeMakesRoomInAFullQueue) {
    Queue& queue = station_.queue("q", {{"x-max-length", number(2)}, {"x-overflow", text("reject-publish")}});
    TestConsumer consumer({}, 3);
    consume(queue, consumer);
    int routed = 0;
    for (int n = 0; n < 10; ++n)
        routed += station_.send("q", std::to_string(n)).outcome == Published::Outcome::routed;
    EXPECT_EQ(routed, 5);
    station_.tick();
    EXPECT_EQ(consumer.bodies.size(), 3u);
    EXPECT_EQ(queue.counts().ready, 2u);
    consumer.closed = true;
    leave(consumer);
}

TEST_F(LimitsTest, OneFullQueueAmongSeveralRejectsAndTheOthersKeepTheMessage) {
    station_.queue("full", {{"x-max-length", number(0)}, {"x-overflow", text("reject-publish")}});
    station_.queue("other");
    station_.bind("amq.fanout", "full");
    station_.bind("amq.fanout", "other");
    EXPECT_EQ(station_.send({"amq.fanout", "", "a"}).outcome, Published::Outcome::rejected);
    EXPECT_EQ(station_.drain("other"), Bodies{"a"});
    EXPECT_EQ(station_.drain("full"), Bodies{});
}

// --- priorities --------------------------------------------------------------------------------------------

TEST_F(LimitsTest, HigherPrioritiesGoFirstAndEqualOnesInTheirOrder) {
    Queue& queue = station_.queue("q", {{"x-max-priority", number(5)}});
    const std::pair<const char*, int> sent[] = {{"a1", 1}, {"b5", 5}, {"c0", 0}, {"d9", 9}, {"e1", 1}};
    for (const auto& [body, priority] : sent)
        station_.send({.key = "q", .body = body, .priority = static_cast<std::uint8_t>(priority)});
    station_.tick();
    EXPECT_EQ(queue.counts().ready, 5u);
    EXPECT_EQ(station_.drain("q"), (Bodies{"b5", "d9", "a1", "e1", "c0"}));
}

TEST_F(LimitsTest, PrioritiesSurviveARestartAndARequeueKeepsItsPlace) {
    Queue& queue = station_.queue("q", {{"x-max-priority", number(255)}});
    TestConsumer consumer({}, 3);
    for (int n = 0; n < 6; ++n)
        station_.send({.key = "q", .body = std::to_string(n), .priority = static_cast<std::uint8_t>(n * 50)});
    consume(queue, consumer);
    station_.tick();
    EXPECT_THAT(consumer.bodies, ElementsAre("5", "4", "3"));
    consumer.closed = true;
    leave(consumer);
    station_.sync();
    station_.kill();
    EXPECT_EQ(station_.host->queue("q")->counts().ready, 6u);
    EXPECT_EQ(station_.drain("q"), (Bodies{"5", "4", "3", "2", "1", "0"}));
}

TEST_F(LimitsTest, EachPriorityExpiresAtItsOwnHead) {
    Queue& queue = station_.queue("q", {{"x-max-priority", number(2)}});
    station_.send({.key = "q", .body = "high", .priority = 2});
    station_.send({.key = "q", .body = "low", .priority = 1, .ttl_ms = 100});
    station_.wait(100);
    EXPECT_EQ(queue.counts().ready, 1u);
    EXPECT_EQ(station_.drain("q"), Bodies{"high"});
}

// --- counting ----------------------------------------------------------------------------------------------

TEST_F(LimitsTest, CountsFollowEveryMessage) {
    Queue& queue = station_.queue("q");
    TestConsumer consumer({}, 4);
    for (int n = 0; n < 10; ++n)
        station_.send("q", "12345");
    station_.tick();
    EXPECT_EQ(queue.counts().persistent, 10u);
    consume(queue, consumer);
    station_.tick();
    const QueueCounts counts = queue.counts();
    EXPECT_EQ(counts.ready, 6u);
    EXPECT_EQ(counts.unacked, 4u);
    EXPECT_EQ(counts.ready_bytes, 30u);
    EXPECT_EQ(counts.unacked_bytes, 20u);
    EXPECT_EQ(counts.consumers, 1u);
    EXPECT_EQ(counts.delivered, 4u);
    for (const auto& held : consumer.held)
        EXPECT_TRUE(queue.settle(held.id).ok());
    consumer.held.clear();
    EXPECT_EQ(queue.counts().persistent, 6u);
    EXPECT_EQ(queue.counts().acknowledged, 4u);
    leave(consumer);
}

}  // namespace
}  // namespace posthorn::exchange
