#include <fmt/format.h>

#include <set>

#include "exchange_test_support.h"

namespace posthorn::exchange {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

model::Value number(std::int64_t n) {
    return {n};
}
model::Value text(const char* t) {
    return {std::string(t)};
}

class VirtualHostsTest : public testing::Test {
  protected:
    std::set<std::string> queues() {
        std::set<std::string> names;
        station_.host->each_queue([&](Queue& queue) { names.insert(queue.spec().name); });
        return names;
    }
    std::size_t named_queues() {
        std::size_t count = 0;
        station_.broker->catalog().each_named_queue([&](const auto&, auto) { ++count; });
        return count;
    }
    Station station_;
};

// --- names and owners --------------------------------------------------------------------------------------

TEST_F(VirtualHostsTest, AQueueWithoutNameIsGivenOneNobodyHas) {
    QueueSpec spec;
    spec.exclusive = true;
    spec.owner = 1;
    Queue& a = **station_.host->declare_queue(spec);
    Queue& b = **station_.host->declare_queue(spec);
    EXPECT_NE(a.spec().name, b.spec().name);
    EXPECT_TRUE(a.spec().name.starts_with("amq.gen-"));
    EXPECT_EQ(a.spec().name.size(), 30u);
    EXPECT_FALSE(a.spec().durable);
    spec.exclusive = false;
    spec.durable = true;
    spec.arguments = {{"x-queue-type", text("quorum")}};
    EXPECT_EQ(station_.host->declare_queue(spec).error().message,
              "Cannot declare a server-named queue for type rabbit_quorum_queue");
}

TEST_F(VirtualHostsTest, ReservedNamesAreRefusedAndLineEndsStripped) {
    QueueSpec spec;
    spec.name = "amq.mine";
    const auto refused = station_.host->declare_queue(spec);
    EXPECT_EQ(refused.error().code, Errc::denied);
    EXPECT_EQ(refused.error().message, "queue name 'amq.mine' contains reserved prefix 'amq.*'");
    EXPECT_EQ(station_.queue("a\r\nb").spec().name, "ab");
    EXPECT_TRUE(station_.host->queue_for("ab", 0).ok());
    EXPECT_FALSE(station_.host->queue_for("a\nb", 0).ok()) << "nobody was asked for the right to that one";
    EXPECT_EQ(station_.host->queue_for("none", 0).error().message, "no queue 'none' in vhost '/'");
}

TEST_F(VirtualHostsTest, AnExclusiveQueueIsItsOwnersAlone) {
    QueueSpec spec;
    spec.name = "mine";
    spec.exclusive = true;
    spec.owner = 7;
    ASSERT_TRUE(station_.host->declare_queue(spec).ok());
    ASSERT_TRUE(station_.host->declare_queue(spec).ok());
    const std::string locked =
        "cannot obtain exclusive access to locked queue 'mine' in vhost '/'. It could be originally declared "
        "on "
        "another connection or the exclusive property value does not match that of the original declaration.";
    spec.owner = 8;
    EXPECT_EQ(station_.host->declare_queue(spec).error().message, locked);
    EXPECT_EQ(station_.host->queue_for("mine", 8).error().code, Errc::busy);
    EXPECT_EQ(station_.host->purge_queue("mine", 8).error().message, locked);
    EXPECT_EQ(station_.host->delete_queue("mine", false, false, 8).error().message, locked);
    EXPECT_EQ(station_.host->bind({"amq.direct", DestinationKind::queue, "mine", "", {}}, 8).error().message,
              locked);
    spec.exclusive = false;
    spec.owner = 7;
    EXPECT_EQ(station_.host->declare_queue(spec).error().code, Errc::busy);
    EXPECT_EQ(station_.send("mine", "others may publish").outcome, Published::Outcome::routed);
    EXPECT_TRUE(station_.host->queue_for("mine", 7).ok());
}

TEST_F(VirtualHostsTest, WhatAnOwnerHeldExclusivelyGoesWithIt) {
    QueueSpec spec;
    spec.exclusive = true;
    for (const OwnerId owner : {1, 1, 2}) {
        spec.owner = owner;
        ASSERT_TRUE(station_.host->declare_queue(spec).ok());
    }
    station_.queue("other");
    station_.hosts->owner_gone(1);
    EXPECT_EQ(queues().size(), 2u);
    station_.hosts->owner_gone(2);
    EXPECT_EQ(queues(), std::set<std::string>{"other"});
    station_.tick();
    EXPECT_EQ(named_queues(), 1u);
}

TEST_F(VirtualHostsTest, DeletingMayAskForUnusedAndEmpty) {
    Queue& queue = station_.queue("q");
    station_.send("q", "a");
    TestConsumer consumer({}, 0);
    ASSERT_TRUE(station_.host->consume(queue, consumer).ok());
    const auto not_empty = station_.host->delete_queue("q", false, true, 0);
    EXPECT_EQ(not_empty.error().code, Errc::exists);
    EXPECT_EQ(not_empty.error().message, "queue 'q' in vhost '/' not empty");
    EXPECT_EQ(station_.host->delete_queue("q", true, false, 0).error().message,
              "queue 'q' in vhost '/' in use");
    station_.host->leave(consumer);
    EXPECT_EQ(*station_.host->delete_queue("q", true, false, 0), 1u);
    EXPECT_EQ(*station_.host->delete_queue("q", false, false, 0), 0u);
}

TEST_F(VirtualHostsTest, AConsumersArgumentsAreChecked) {
    Queue& queue = station_.queue("q");
    TestConsumer wrong({.arguments = {{"x-priority", text("high")}}});
    EXPECT_EQ(station_.host->consume(queue, wrong).error().message,
              "invalid arg 'x-priority' for queue 'q' in vhost '/': \"expected integer, got longstr\"");
}

// --- several hosts -----------------------------------------------------------------------------------------

TEST_F(VirtualHostsTest, VirtualHostsDoNotSeeEachOther) {
    VirtualHost& other = **station_.hosts->add("other");
    station_.queue("q");
    EXPECT_EQ(other.queue("q"), nullptr);
    EXPECT_EQ(other.queue_for("q", 0).error().message, "no queue 'q' in vhost 'other'");
    QueueSpec spec;
    spec.name = "q";
    spec.durable = true;
    ASSERT_TRUE(other.declare_queue(spec).ok());
    station_.send("q", "a");
    station_.tick();
    EXPECT_EQ(other.queue("q")->counts().ready, 0u);
    station_.sync();
    station_.kill();
    ASSERT_NE(station_.hosts->find("other"), nullptr);
    EXPECT_NE(station_.hosts->find("other")->queue("q"), nullptr);
}

TEST_F(VirtualHostsTest, AHostHoldsNoMoreQueuesThanItMay) {
    station_.queue("a");
    ASSERT_TRUE(station_.host->set_limits({.max_queues = 1, .max_connections = 5}).ok());
    QueueSpec spec;
    spec.name = "b";
    EXPECT_EQ(station_.host->declare_queue(spec).error().message,
              "cannot declare queue 'b': queue limit in vhost '/' (1) is reached");
    station_.queue("a");
    station_.sync();
    station_.kill();
    EXPECT_EQ(station_.host->limits(), (HostLimits{1, 5}));
}

TEST_F(VirtualHostsTest, ARemovedHostTakesEverythingWithIt) {
    VirtualHost& other = **station_.hosts->add("other");
    QueueSpec spec;
    spec.name = "q";
    spec.durable = true;
    Queue& queue = **other.declare_queue(spec);
    ASSERT_TRUE(other.declare_exchange({"x", "fanout", true, false, false, {}}).ok());
    ASSERT_TRUE(other.bind({"x", DestinationKind::queue, "q", "", {}}, 0).ok());
    TestConsumer consumer;
    ASSERT_TRUE(other.consume(queue, consumer).ok());
    station_.host = &other;
    station_.send("q", "a");
    station_.tick();
    ASSERT_EQ(consumer.held.size(), 1u);
    ASSERT_TRUE(station_.hosts->remove("other").ok());
    EXPECT_TRUE(consumer.was_cancelled);
    station_.tick();
    EXPECT_TRUE(consumer.held[0].queue->settle(consumer.held[0].id).ok());
    station_.tick();
    EXPECT_EQ(station_.hosts->find("other"), nullptr);
    EXPECT_EQ(station_.hosts->remove("other").error().code, Errc::not_found);
    station_.kill();
    EXPECT_EQ(station_.hosts->find("other"), nullptr);
    EXPECT_EQ(named_queues(), 0u);
}

// --- what is durable ---------------------------------------------------------------------------------------

TEST_F(VirtualHostsTest, DurableThingsComeBackAsTheyWereAndTheOthersDoNot) {
    const model::Arguments arguments{{"x-max-length", number(3)},
                                     {"x-dead-letter-exchange", text("dead")},
                                     {"x-custom", {model::Array{{true}, {1.5}, {}}}},
                                     {"x-when", {model::Timestamp{12}}},
                                     {"x-table", {model::Arguments{{"a", number(-1)}}}}};
    station_.queue("q", arguments);
    station_.queue("passing", {}, false);
    ASSERT_TRUE(station_.host->declare_exchange({"x", "topic", true, true, true, {{"a", text("b")}}}).ok());
    ASSERT_TRUE(station_.host->declare_exchange({"passing", "topic", false, false, false, {}}).ok());
    for (const char* source : {"x", "passing"})
        for (const char* queue : {"q", "passing"})
            station_.bind(source, queue, "key", {{"z", number(1)}});
    ASSERT_TRUE(station_.host->bind({"amq.topic", DestinationKind::exchange, "x", "#", {}}, 0).ok());
    Policy policy{"p", "^q", Policy::Applies::queues, 3, {{"message-ttl", number(5000)}}};
    ASSERT_TRUE(station_.host->put_policy(policy, false).ok());
    station_.sync();
    station_.cut_power();

    EXPECT_EQ(queues(), std::set<std::string>{"q"});
    const Queue& queue = *station_.host->queue("q");
    EXPECT_TRUE(queue.spec().arguments == arguments);
    EXPECT_EQ(queue.settings().max_length, 3u);
    EXPECT_EQ(queue.settings().message_ttl_ms, 5000);
    const ExchangeSpec& exchange = *station_.host->exchange("x");
    EXPECT_EQ(exchange.type, "topic");
    EXPECT_TRUE(exchange.durable && exchange.auto_delete && exchange.internal);
    EXPECT_EQ(station_.host->exchange("passing"), nullptr);
    std::set<std::string> bindings;
    station_.host->each_binding([&](const Binding& one) {
        bindings.insert(one.source + ">" + one.destination + ":" + one.key + to_json(one.arguments));
    });
    EXPECT_THAT(bindings, UnorderedElementsAre(">q:q{}", "x>q:key{\"z\":1}", "amq.topic>x:#{}"));
    EXPECT_EQ(named_queues(), 1u);
}

TEST_F(VirtualHostsTest, TablesAreWalkedInSharesWhileTheyChange) {
    const auto walk = [&](std::string from, std::size_t most) {
        std::vector<std::string> names;
        station_.host->walk_queues(from, [&](Queue& queue) {
            names.push_back(queue.spec().name);
            return names.size() < most;
        });
        return names;
    };
    for (const char* name : {"d", "a", "b"})
        station_.queue(name);
    EXPECT_EQ(walk("", 2), (std::vector<std::string>{"a", "b"}));
    for (int n = 0; n < 1'000; ++n)  // the hash table grows
        station_.queue(fmt::format("c{:03}", n));
    ASSERT_TRUE(station_.host->delete_queue("b", false, false, 0).ok());
    EXPECT_EQ(walk(std::string("b") + '\0', 1), std::vector<std::string>{"c000"});
    EXPECT_EQ(walk(std::string("c999") + '\0', 9), std::vector<std::string>{"d"});
    EXPECT_TRUE(walk("e", 9).empty());
    EXPECT_EQ(walk("", 9'999).size(), 1'002u);
}

TEST_F(VirtualHostsTest, BindingsAreWalkedBySourceAndFoundByWhereTheyLead) {
    station_.queue("q");
    station_.exchange("x", "fanout");
    station_.bind("x", "q", "1");
    station_.bind("amq.topic", "q", "2");
    ASSERT_TRUE(station_.host->bind({"amq.topic", DestinationKind::exchange, "x", "#", {}}, 0).ok());
    std::vector<std::string> seen, places;
    station_.host->walk_bindings("", [&](const std::string& place, const Binding& one) {
        seen.push_back(one.source + ">" + one.destination), places.push_back(place);
        return true;
    });
    EXPECT_EQ(seen, (std::vector<std::string>{"amq.topic>x", "amq.topic>q", "x>q"}));
    station_.host->walk_bindings(places[1] + '\0', [&](const std::string& place, const Binding&) {
        EXPECT_EQ(place, places[2]);
        return false;
    });
    std::set<std::string> to_queue, to_exchange;
    station_.host->each_binding_to(DestinationKind::queue, "q",
                                   [&](const Binding& one) { to_queue.insert(one.source); });
    station_.host->each_binding_to(DestinationKind::exchange, "x",
                                   [&](const Binding& one) { to_exchange.insert(one.source); });
    EXPECT_EQ(to_queue, (std::set<std::string>{"amq.topic", "x"}));
    EXPECT_EQ(to_exchange, std::set<std::string>{"amq.topic"});
}

TEST_F(VirtualHostsTest, WhatWasDeletedStaysDeleted) {
    station_.queue("q", {{"x-max-priority", number(3)}});
    station_.exchange("x", "fanout");
    station_.bind("x", "q");
    for (int n = 0; n < 4; ++n)
        station_.send({.key = "q", .body = "a", .priority = static_cast<std::uint8_t>(n)});
    station_.sync();
    ASSERT_TRUE(station_.host->delete_queue("q", false, false, 0).ok());
    ASSERT_TRUE(station_.host->delete_exchange("x", false).ok());
    station_.sync();
    station_.kill();
    EXPECT_EQ(queues(), std::set<std::string>{});
    EXPECT_EQ(station_.host->exchange("x"), nullptr);
    EXPECT_EQ(named_queues(), 0u);
    EXPECT_EQ(station_.queue("q").counts().ready, 0u);
}

TEST_F(VirtualHostsTest, AQueueMadeAgainUnderItsNameDoesNotInherit) {
    station_.queue("q");
    station_.send("q", "old");
    ASSERT_TRUE(station_.host->delete_queue("q", false, false, 0).ok());
    station_.queue("q");
    station_.send("q", "new");
    station_.sync();
    station_.kill();
    EXPECT_EQ(station_.drain("q"), Bodies{"new"});
}

TEST_F(VirtualHostsTest, AfterARestartTheBytesOfWhatWaitsAreCountedBesideTheWork) {
    station_.queue("q");
    for (int n = 0; n < 10'000; ++n)
        station_.send("q", "12345");
    station_.sync();
    station_.kill();
    Queue& queue = *station_.host->queue("q");
    TestConsumer consumer({}, 3'000);
    ASSERT_TRUE(station_.host->consume(queue, consumer).ok());
    station_.tick();
    ASSERT_EQ(consumer.held.size(), 3'000u);
    for (int n = 0; n < 1'000; ++n) {
        const auto& held = consumer.held.back();
        ASSERT_TRUE((n % 2 == 0 ? queue.requeue(held.id) : queue.settle(held.id)).ok());
        consumer.held.pop_back();
    }
    consumer.closed = true;
    for (int n = 0; n < 100; ++n) {
        station_.wait(10);
        station_.worker->run_all();
    }
    EXPECT_EQ(queue.counts().ready, 7'500u);
    EXPECT_EQ(queue.counts().ready_bytes, 5 * 7'500u);
    EXPECT_EQ(queue.counts().unacked_bytes, 5 * 2'000u);
    for (const auto& held : consumer.held)
        ASSERT_TRUE(queue.requeue(held.id).ok());
    consumer.held.clear();
    EXPECT_EQ(queue.counts().ready_bytes, 5 * 9'500u);
    station_.host->leave(consumer);
    EXPECT_EQ(station_.drain("q").size(), 9'500u);
    EXPECT_EQ(queue.counts().ready_bytes, 0u);
}

// --- policies ----------------------------------------------------------------------------------------------

TEST_F(VirtualHostsTest, APolicyActsAtOnceOnWhatIsThereAndOnWhatComes) {
    Queue& queue = station_.queue("work.a");
    for (int n = 0; n < 5; ++n)
        station_.send("work.a", std::to_string(n));
    station_.tick();
    Policy policy{"short", "^work\\.", Policy::Applies::all, 0, {{"max-length", number(2)}}};
    ASSERT_TRUE(station_.host->put_policy(policy, false).ok());
    station_.tick();
    EXPECT_EQ(queue.counts().ready, 2u);
    EXPECT_EQ(station_.host->policy_of(DestinationKind::queue, "work.a", false)->name, "short");
    EXPECT_EQ(station_.queue("work.b").settings().max_length, 2u);
    EXPECT_EQ(station_.queue("play").settings().max_length, std::nullopt);
    ASSERT_TRUE(station_.host->delete_policy("short", false).ok());
    EXPECT_EQ(queue.settings().max_length, std::nullopt);
    EXPECT_EQ(station_.host->policy_of(DestinationKind::queue, "work.a", false), nullptr);
    EXPECT_EQ(station_.host->delete_policy("short", false).error().code, Errc::not_found);
}

TEST_F(VirtualHostsTest, TheHighestPriorityCountsAndOperatorsMakeLimitsSmallerOnly) {
    Queue& queue = station_.queue("q");
    ASSERT_TRUE(
        station_.host->put_policy({"a", "", Policy::Applies::all, 1, {{"max-length", number(10)}}}, false)
            .ok());
    ASSERT_TRUE(
        station_.host->put_policy({"b", "q", Policy::Applies::queues, 5, {{"message-ttl", number(9)}}}, false)
            .ok());
    EXPECT_EQ(queue.settings().max_length, std::nullopt);
    EXPECT_EQ(queue.settings().message_ttl_ms, 9);
    ASSERT_TRUE(station_.host
                    ->put_policy({"o",
                                  "",
                                  Policy::Applies::queues,
                                  0,
                                  {{"max-length", number(3)}, {"message-ttl", number(100)}}},
                                 true)
                    .ok());
    EXPECT_EQ(queue.settings().max_length, 3u);
    EXPECT_EQ(queue.settings().message_ttl_ms, 9);
}

TEST_F(VirtualHostsTest, APolicyForExchangesSetsTheAlternate) {
    station_.exchange("x", "direct");
    station_.queue("q");
    station_.bind("amq.fanout", "q");
    EXPECT_EQ(station_.send({"x", "k", "a"}).outcome, Published::Outcome::unroutable);
    ASSERT_TRUE(
        station_.host
            ->put_policy(
                {"p", "^x$", Policy::Applies::exchanges, 0, {{"alternate-exchange", text("amq.fanout")}}},
                false)
            .ok());
    EXPECT_EQ(station_.send({"x", "k", "a"}).outcome, Published::Outcome::routed);
    ASSERT_TRUE(station_.host->delete_policy("p", false).ok());
    EXPECT_EQ(station_.send({"x", "k", "a"}).outcome, Published::Outcome::unroutable);
}

TEST_F(VirtualHostsTest, ConfirmsMayWaitForTheWriteOnlyIfAPolicySaysSo) {
    station_.queue("classic");
    station_.queue("quorum", {{"x-queue-type", text("quorum")}});
    EXPECT_TRUE(station_.send("classic", "a").must_sync);
    ASSERT_TRUE(
        station_.host
            ->put_policy({"p", ".*", Policy::Applies::queues, 0, {{"confirm", text("written")}}}, false)
            .ok());
    const Published written = station_.send("classic", "a");
    EXPECT_TRUE(written.receipt);
    EXPECT_FALSE(written.must_sync);
    EXPECT_TRUE(station_.send("quorum", "a").must_sync);
    EXPECT_FALSE(station_.send({.key = "classic", .persistent = false}).receipt);
}

TEST_F(VirtualHostsTest, APolicyThatSaysNonsenseIsRefused) {
    const auto put = [&](std::string pattern, model::Arguments definition, bool of_operator = false) {
        const auto done = station_.host->put_policy(
            {"p", std::move(pattern), Policy::Applies::all, 0, std::move(definition)}, of_operator);
        return done ? "" : done.error().message;
    };
    EXPECT_EQ(put(".*", {{"max-length", number(-1)}}), "-1 is not a valid maximum length");
    EXPECT_EQ(put(".*", {{"overflow", text("burst")}}), "burst is not a valid overflow value");
    EXPECT_NE(put(".*", {{"colour", text("red")}}).find("not recognised policy settings"), std::string::npos);
    EXPECT_NE(put(".*", {{"overflow", text("drop-head")}}, true).find("not recognised"), std::string::npos);
    EXPECT_NE(put("(", {{"max-length", number(1)}}).find("not a valid regular expression"),
              std::string::npos);
    EXPECT_EQ(put(".*", {}), "no policy provided");
    EXPECT_EQ(put("^(?!amq\\.).*", {{"max-length", number(1)}}), "");
}

TEST_F(VirtualHostsTest, ADeliveryLimitByPolicyIsForQuorumQueues) {
    Queue& classic = station_.queue("classic");
    Queue& quorum = station_.queue("quorum", {{"x-queue-type", text("quorum")}});
    ASSERT_TRUE(
        station_.host
            ->put_policy({"p", "", Policy::Applies::queues, 0, {{"delivery-limit", number(4)}}}, false)
            .ok());
    EXPECT_EQ(quorum.settings().delivery_limit, 4u);
    EXPECT_EQ(classic.settings().delivery_limit, std::nullopt);
}

}  // namespace
}  // namespace posthorn::exchange
