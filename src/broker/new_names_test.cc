#include <gtest/gtest.h>

#include "broker_test_support.h"

namespace posthorn::broker {
namespace {

/// Definitions that take their time: names are committed when the worker is told to run.
class NewNamesTest : public testing::Test {
  protected:
    void SetUp() override {
        world_.open_with(names_);
        old_ = world_.topic("old");
        commit();
    }
    void TearDown() override { names_.drop_all(); }

    void commit() {
        world_.tick();
        names_.run_all();
        world_.tick();
    }
    void crash() {
        names_.drop_all();
        world_.kill();
        world_.open_with(names_);
    }
    model::QueueId catalog_queue(const std::string& name) {
        return world_.broker->catalog().named_queue(name);
    }
    Promise state(const Receipt& receipt) { return world_.broker->state(receipt); }

    World world_;
    runtime::SimWorker names_;
    model::QueueId old_;
};

struct Told final : Waiter {
    int times = 0;
    void on_readable() override { ++times; }
};

TEST_F(NewNamesTest, AMessageForANewTopicIsPromisedAndShownWhenTheTopicIsDurable) {
    const model::QueueId fresh = world_.topic("fresh");
    const Receipt receipt = world_.publish(fresh, "a");
    const Receipt other = world_.publish(old_, "b");
    world_.tick();
    EXPECT_EQ(state(receipt), Promise::pending);
    EXPECT_EQ(world_.fetch(fresh), World::Texts{});
    Told waiter;
    world_.broker->wait(fresh, waiter);
    EXPECT_EQ(state(other), Promise::kept);  // nobody else waits
    EXPECT_EQ(world_.fetch(old_), World::Texts{"b"});

    names_.run_all();
    world_.tick();
    EXPECT_EQ(state(receipt), Promise::kept);
    EXPECT_EQ(world_.fetch(fresh), World::Texts{"a"});
    EXPECT_EQ(waiter.times, 1);
}

TEST_F(NewNamesTest, ACrashBeforeTheCommitTakesTheTopicAndItsNumberIsNotGivenAgain) {
    const model::QueueId fresh = world_.topic("fresh");
    world_.publish(fresh, "a");
    world_.tick();
    crash();
    EXPECT_EQ(world_.broker->catalog().topic("fresh"), nullptr);
    const model::QueueId again = world_.topic("another");
    EXPECT_GT(again, fresh);
    commit();
    EXPECT_EQ(world_.fetch(again), World::Texts{});
}

TEST_F(NewNamesTest, WhatADeletedTopicHeldIsForgottenOnlyWhenTheDeletionIsDurable) {
    const model::GroupId group = world_.group("billing");
    world_.publish(old_, "a");
    commit();
    EXPECT_TRUE(world_.broker->commit_progress(group, old_, model::QueueOffset(1)).ok());
    world_.settle();
    ASSERT_TRUE(world_.broker->catalog().delete_topic("old").ok());
    world_.tick();
    EXPECT_EQ(world_.fetch(old_), World::Texts{});
    crash();  // nobody was told that it is gone
    EXPECT_EQ(world_.fetch(old_), World::Texts{"a"});
    EXPECT_EQ(world_.broker->progress(group, old_), model::QueueOffset(1));

    ASSERT_TRUE(world_.broker->catalog().delete_topic("old").ok());
    commit();
    crash();
    EXPECT_EQ(world_.broker->catalog().topic("old"), nullptr);
    EXPECT_EQ(world_.broker->progress(group, old_), std::nullopt);
}

TEST_F(NewNamesTest, AnAnswerWaitsForWhatTheRequestMadeOrFoundOnItsWay) {
    Catalog& catalog = world_.broker->catalog();
    TopicSpec spec;
    spec.name = "fresh";
    catalog.begin_request();
    ASSERT_TRUE(catalog.put_topic(spec).ok());
    const std::uint64_t first = catalog.awaited();
    EXPECT_EQ(first, catalog.changes());
    world_.group("billing");
    catalog.begin_request();
    EXPECT_EQ(catalog.awaited(), 0u);
    ASSERT_TRUE(catalog.put_topic(spec).ok());  // somebody else wants it as it is
    EXPECT_EQ(catalog.awaited(), first);
    commit();
    catalog.begin_request();
    ASSERT_TRUE(catalog.put_topic(spec).ok());
    EXPECT_EQ(catalog.awaited(), 0u);
    ASSERT_TRUE(catalog.delete_topic("fresh").ok());
    catalog.begin_request();
    EXPECT_FALSE(catalog.delete_topic("fresh").ok());
    EXPECT_EQ(catalog.awaited(), catalog.changes());  // it may still come back
}

TEST_F(NewNamesTest, WhileDefinitionsFailOnlyNewNamesAreRefused) {
    const model::QueueId fresh = world_.topic("fresh");
    const Receipt receipt = world_.publish(fresh, "a");
    store::MemoryDefinitions::fail(*world_.definitions, Error{Errc::no_space, "full"});
    commit();
    EXPECT_EQ(state(receipt), Promise::broken);
    TopicSpec spec;
    spec.name = "another";
    EXPECT_EQ(world_.broker->catalog().put_topic(spec).error().code, Errc::no_space);
    Publication message;
    message.queue = fresh;
    EXPECT_EQ(world_.broker->publish(message).error().code, Errc::no_space);
    const Receipt other = world_.publish(old_, "b");
    world_.tick();
    EXPECT_EQ(state(other), Promise::kept);
    EXPECT_LE(world_.broker->next_tick_ms(), world_.now().steady_ms + 500);

    store::MemoryDefinitions::fail(*world_.definitions, std::nullopt);
    world_.tick(1'000);
    commit();
    EXPECT_EQ(state(receipt), Promise::kept);
    EXPECT_EQ(world_.fetch(fresh), World::Texts{"a"});
}

TEST_F(NewNamesTest, ADirectoryOpensAndServesWhileDefinitionsCannotBeWritten) {
    world_.publish(old_, "a");
    commit();
    store::MemoryDefinitions::fail(*world_.definitions, Error{Errc::no_space, "full"});
    crash();
    EXPECT_EQ(world_.fetch(old_), World::Texts{"a"});
    TopicSpec spec;
    spec.name = "another";
    EXPECT_EQ(world_.broker->catalog().put_topic(spec).error().code, Errc::no_space);
    EXPECT_EQ(world_.broker->catalog().put_named_queue("q").error().code, Errc::no_space);
    const Receipt other = world_.publish(old_, "b");
    world_.tick();
    EXPECT_EQ(state(other), Promise::kept);
    store::MemoryDefinitions::fail(*world_.definitions, std::nullopt);
    world_.tick(1'000);
    commit();
    EXPECT_TRUE(world_.broker->catalog().put_topic(spec).ok());
}

TEST_F(NewNamesTest, AQueueMadeAgainWhileItsDeletionIsOnTheWayIsAFreshOne) {
    Catalog& catalog = world_.broker->catalog();
    const model::QueueId first = *catalog.put_named_queue("work");
    const ReaderId reader = *world_.broker->open_reader("worker", first);
    world_.publish(first, "a");
    commit();
    ASSERT_TRUE(catalog.delete_named_queue("work").ok());
    EXPECT_EQ(world_.broker->settle(reader, model::QueueOffset(0)).error().code, Errc::not_found);
    const model::QueueId second = *catalog.put_named_queue("work");
    EXPECT_NE(second, first);
    const auto again = world_.broker->open_reader("worker", second);
    ASSERT_TRUE(again.ok()) << again.error().message;
    world_.publish(second, "b");
    commit();
    EXPECT_EQ(world_.take(*again).texts, World::Texts{"b"});
    crash();
    EXPECT_EQ(catalog_queue("work"), second);
    const auto after = world_.broker->open_reader("worker", second);
    ASSERT_TRUE(after.ok()) << after.error().message;
    EXPECT_EQ(world_.take(*after).texts, World::Texts{"b"});
}

TEST_F(NewNamesTest, MoreNamesThanAnybodyReservedAreMadeAllTheSame) {
    for (int n = 0; n < 40; ++n) {
        TopicSpec spec;
        spec.name = "wide" + std::to_string(n);
        spec.read_queues = spec.write_queues = 1'000;
        ASSERT_TRUE(world_.broker->catalog().put_topic(spec).ok());
    }
    const model::QueueId last = world_.broker->catalog().topic("wide39")->queues.back();
    world_.publish(last, "a");
    world_.tick();
    crash();
    EXPECT_GT(world_.topic("fresh"), last);
}

TEST_F(NewNamesTest, ACleanEndWastesNoNumbers) {
    const model::QueueId fresh = world_.topic("fresh", 3);
    names_.run_all();
    ASSERT_TRUE(world_.broker->close().ok());
    world_.broker.reset();
    world_.open_with(names_);
    EXPECT_EQ(world_.topic("another"), fresh + 1);
}

}  // namespace
}  // namespace posthorn::broker
