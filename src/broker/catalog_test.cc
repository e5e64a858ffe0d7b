#include "broker/catalog.h"

#include <gtest/gtest.h>

namespace posthorn::broker {
namespace {

class CatalogTest : public testing::Test {
  protected:
    void SetUp() override { reopen(); }
    void reopen() {
        auto loaded = Catalog::load(std::make_unique<store::MemoryDefinitions>(shared_), options_, worker_);
        ASSERT_TRUE(loaded.ok());
        catalog_ = std::move(*loaded);
    }
    void commit() {
        catalog_->submit(0);
        worker_.run_all();
        worker_.collect();
        EXPECT_TRUE(catalog_->durable(catalog_->changes()));
    }
    const model::Topic& put(const std::string& name, std::uint32_t queues) {
        TopicSpec spec;
        spec.name = name;
        spec.read_queues = spec.write_queues = queues;
        auto topic = catalog_->put_topic(spec);
        POSTHORN_CHECK(topic.ok(), "put_topic");
        return **topic;
    }

    std::shared_ptr<store::MemoryDefinitions::Shared> shared_ = store::MemoryDefinitions::make_shared_state();
    BrokerOptions options_;
    runtime::SimWorker worker_;
    std::unique_ptr<Catalog> catalog_;
};

TEST_F(CatalogTest, ATopicComesBackAfterCommit) {
    const model::Topic topic = put("orders", 4);
    commit();
    reopen();
    const model::Topic* again = catalog_->topic("orders");
    ASSERT_NE(again, nullptr);
    EXPECT_EQ(again->id, topic.id);
    EXPECT_EQ(again->queues, topic.queues);
    EXPECT_EQ(catalog_->topic(topic.id), again);
    const QueueOwner owner = catalog_->owner(topic.queues[3]);
    EXPECT_EQ(owner.kind, QueueOwner::Kind::topic);
    EXPECT_EQ(owner.number, 3);
    EXPECT_EQ(owner.topic, topic.id);
}

TEST_F(CatalogTest, WhatWasNotCommittedIsGone) {
    put("orders", 4);
    reopen();
    EXPECT_EQ(catalog_->topic("orders"), nullptr);
}

TEST_F(CatalogTest, AShrunkTopicKeepsItsQueuesAndFindsThemAgain) {
    const auto queues = put("orders", 4).queues;
    put("orders", 2);
    EXPECT_EQ(put("orders", 4).queues, queues);
    EXPECT_EQ(put("orders", 5).queues.size(), 5u);
}

TEST_F(CatalogTest, IdsOfTheDeletedAreNeverGivenAgain) {
    const model::Topic old = put("orders", 4);
    const model::QueueId queue = *catalog_->put_named_queue("work");
    ASSERT_TRUE(catalog_->delete_topic("orders").ok());
    ASSERT_TRUE(catalog_->delete_named_queue("work").ok());
    EXPECT_EQ(catalog_->owner(old.queues[0]).kind, QueueOwner::Kind::none);
    EXPECT_EQ(catalog_->take_deleted_queues().size(), 0u);
    commit();
    EXPECT_EQ(catalog_->take_deleted_queues().size(), 5u);
    reopen();
    const model::Topic& fresh = put("orders", 4);
    EXPECT_GT(fresh.id, old.id);
    EXPECT_GT(fresh.queues[0], queue);
}

TEST_F(CatalogTest, AnUnchangedTopicDoesNotMoveTheVersion) {
    put("orders", 4);
    const std::uint64_t version = catalog_->version();
    put("orders", 4);
    EXPECT_EQ(catalog_->version(), version);
    put("orders", 5);
    EXPECT_GT(catalog_->version(), version);
}

TEST_F(CatalogTest, LimitsRefuseInWords) {
    options_.topics_max = 1;
    options_.queues_max = 8;
    reopen();
    put("a", 4);
    TopicSpec spec;
    spec.name = "b";
    EXPECT_EQ(catalog_->put_topic(spec).error().code, Errc::full);
    spec.name = "a";
    spec.read_queues = spec.write_queues = 9;
    EXPECT_EQ(catalog_->put_topic(spec).error().code, Errc::full);
    spec.read_queues = spec.write_queues = 0;
    EXPECT_EQ(catalog_->put_topic(spec).error().code, Errc::invalid);
}

TEST_F(CatalogTest, GroupsKeepTheirIdThroughChanges) {
    model::Group group;
    group.name = "billing";
    const model::GroupId id = (*catalog_->put_group(group))->id;
    group.retry_max = 3;
    EXPECT_EQ((*catalog_->put_group(group))->id, id);
    commit();
    reopen();
    ASSERT_NE(catalog_->group("billing"), nullptr);
    EXPECT_EQ(catalog_->group("billing")->retry_max, 3);
    EXPECT_EQ(catalog_->group(id)->name, "billing");
}

TEST_F(CatalogTest, SettingsAreKeptBySpaceAndKey) {
    catalog_->set("ORDER", "topic", "broker-a:8");
    catalog_->set("other", "topic", "x");
    catalog_->unset("other", "topic");
    commit();
    reopen();
    ASSERT_NE(catalog_->setting("ORDER", "topic"), nullptr);
    EXPECT_EQ(*catalog_->setting("ORDER", "topic"), "broker-a:8");
    EXPECT_EQ(catalog_->setting("other", "topic"), nullptr);
    int seen = 0;
    catalog_->each_setting("ORDER", [&](const std::string&, const std::string&) { ++seen; });
    EXPECT_EQ(seen, 1);
}

}  // namespace
}  // namespace posthorn::broker
