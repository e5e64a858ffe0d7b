#include "exchange_test_support.h"

namespace posthorn::exchange {
namespace {

/// Definitions that take their time: names are committed when the worker is told to run.
class NewNamesTest : public testing::Test {
  protected:
    NewNamesTest() { commit(); }

    void commit() {
        station_.tick();
        names_.run_all();
        station_.tick();
    }
    std::size_t lanes() {
        std::size_t count = 0;
        station_.broker->catalog().each_named_queue([&](const auto&, auto) { ++count; });
        return count;
    }

    runtime::SimWorker names_;
    Station station_{names_};
};

TEST_F(NewNamesTest, ACrashTakesAQueueThatIsNotDurableYetWithAllThatBelongsToIt) {
    station_.queue("old");
    station_.exchange("e", "direct");
    commit();
    station_.queue("fresh");
    station_.bind("e", "fresh", "k");
    station_.send("fresh", "a");
    station_.tick();
    station_.kill();
    EXPECT_EQ(station_.host->queue("fresh"), nullptr);
    EXPECT_NE(station_.host->queue("old"), nullptr);
    EXPECT_EQ(lanes(), 1u);
    station_.host->each_binding([](const Binding& binding) { EXPECT_NE(binding.destination, "fresh"); });

    EXPECT_EQ(station_.queue("fresh").counts().ready, 0u);
    station_.send("fresh", "b");
    commit();
    EXPECT_EQ(station_.drain("fresh"), Bodies{"b"});
}

TEST_F(NewNamesTest, ACrashBringsADeletedQueueBackWholeUntilItsDeletionIsDurable) {
    station_.queue("work");
    station_.bind("amq.direct", "work", "k");
    station_.send("work", "a");
    commit();
    ASSERT_TRUE(station_.host->delete_queue("work", false, false, 0).ok());
    station_.tick();
    station_.kill();
    EXPECT_EQ(station_.drain("work"), Bodies{"a"});
    EXPECT_TRUE(station_.host->unbind({"amq.direct", DestinationKind::queue, "work", "k", {}}, 0).ok());
    ASSERT_TRUE(station_.host->delete_queue("work", false, false, 0).ok());
    commit();
    station_.kill();
    EXPECT_EQ(station_.host->queue("work"), nullptr);
}

TEST_F(NewNamesTest, ADeadMessageStaysUntilItsGraveIsDurable) {
    Queue& queue = station_.queue("work", {{"x-dead-letter-exchange", {std::string()}},
                                           {"x-dead-letter-routing-key", {std::string("dead")}}});
    station_.send("work", "a");
    commit();
    station_.queue("dead");
    TestConsumer consumer;
    ASSERT_TRUE(station_.host->consume(queue, consumer).ok());
    station_.tick();
    ASSERT_EQ(consumer.held.size(), 1u);
    ASSERT_TRUE(queue.reject(consumer.held.front().id).ok());
    consumer.held.clear();
    station_.host->leave(consumer);
    station_.tick(1);
    station_.kill();
    EXPECT_EQ(station_.host->queue("dead"), nullptr);
    EXPECT_EQ(station_.drain("work"), Bodies{"a"});
}

TEST_F(NewNamesTest, ADeadMessageIsBuriedOnceItsGraveIsDurable) {
    Queue& queue = station_.queue("work", {{"x-dead-letter-exchange", {std::string()}},
                                           {"x-dead-letter-routing-key", {std::string("dead")}},
                                           {"x-message-ttl", {std::int64_t{5}}}});
    station_.send("work", "a");
    commit();
    station_.queue("dead");
    station_.tick(10);
    station_.tick();
    EXPECT_EQ(queue.counts().ready, 1u);
    commit();
    station_.wait(200);
    EXPECT_EQ(queue.counts().ready, 0u);
    EXPECT_EQ(station_.drain("dead"), Bodies{"a"});
}

TEST_F(NewNamesTest, WhileTheDiskTakesNoNamesNothingDurableIsChangedAndTheRestGoesOn) {
    Queue& queue = station_.queue("work");
    commit();
    store::MemoryDefinitions::fail(*station_.definitions, Error{Errc::no_space, "full"});
    station_.queue("half");
    commit();
    const auto durable = [](const std::string& name) {
        QueueSpec spec;
        spec.name = name;
        spec.durable = true;
        return spec;
    };
    ExchangeSpec exchange;
    exchange.name = "e";
    exchange.type = "direct";
    exchange.durable = true;
    EXPECT_EQ(station_.host->declare_queue(durable("fresh")).error().code, Errc::no_space);
    EXPECT_EQ(station_.host->declare_exchange(exchange).error().code, Errc::no_space);
    EXPECT_EQ(station_.host->bind({"amq.direct", DestinationKind::queue, "work", "k", {}}, 0).error().code,
              Errc::no_space);
    EXPECT_EQ(station_.host->delete_queue("work", false, false, 0).error().code, Errc::no_space);
    EXPECT_EQ(station_.host->exchange("e"), nullptr);
    EXPECT_EQ(station_.host->queue("fresh"), nullptr);
    EXPECT_FALSE(queue.deleted());
    station_.send("work", "a");
    EXPECT_EQ(station_.drain("work"), Bodies{"a"});
    EXPECT_EQ(station_.queue("passing", {}, false).counts().ready, 0u);

    station_.kill();  // what was refused late leaves nothing behind
    EXPECT_EQ(station_.host->queue("half"), nullptr);
    EXPECT_EQ(lanes(), 1u);
}

}  // namespace
}  // namespace posthorn::exchange
