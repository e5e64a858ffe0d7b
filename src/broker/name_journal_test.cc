#include "name_journal.h"

#include <gtest/gtest.h>

#include <map>

namespace posthorn::broker {
namespace {

class NameJournalTest : public testing::Test {
  protected:
    std::map<std::string, std::string> found() {
        std::map<std::string, std::string> all;
        store::MemoryDefinitions definitions(shared_);
        static_cast<void>(definitions.load([&](std::string_view, std::string_view name,
                                               std::string_view json) { all[std::string(name)] = json; }));
        return all;
    }
    void work() {
        worker_.run_all();
        worker_.collect();
    }

    std::shared_ptr<store::MemoryDefinitions::Shared> shared_ = store::MemoryDefinitions::make_shared_state();
    runtime::SimWorker worker_;
    NameJournal journal_{std::make_unique<store::MemoryDefinitions>(shared_), worker_};
};

TEST_F(NameJournalTest, AChangeIsDurableWhenTheWorkerSaysSo) {
    journal_.put("topic", "a", "1");
    journal_.put("topic", "b", "2");
    EXPECT_EQ(journal_.staged(), 2u);
    journal_.submit(0);
    worker_.run_all();
    EXPECT_EQ(journal_.durable(), 0u);
    worker_.collect();
    EXPECT_EQ(journal_.durable(), 2u);
    EXPECT_EQ(found().size(), 2u);
}

TEST_F(NameJournalTest, WhatComesMeanwhileGoesWithTheNextBatch) {
    journal_.put("topic", "a", "1");
    journal_.submit(0);
    journal_.remove("topic", "a");
    journal_.submit(0);
    EXPECT_EQ(worker_.waiting(), 1u);
    work();
    EXPECT_EQ(journal_.durable(), 1u);
    EXPECT_EQ(found().count("a"), 1u);
    journal_.submit(0);
    work();
    EXPECT_TRUE(journal_.all_durable());
    EXPECT_TRUE(found().empty());
}

TEST_F(NameJournalTest, AFailedBatchIsTriedAgainBeforeWhatCameAfterIt) {
    store::MemoryDefinitions::fail(*shared_, Error{Errc::no_space, "full"});
    journal_.put("topic", "a", "1");
    journal_.submit(0);
    journal_.put("topic", "a", "2");
    work();
    EXPECT_EQ(journal_.durable(), 0u);
    ASSERT_TRUE(journal_.failing());
    journal_.submit(1);
    EXPECT_EQ(worker_.waiting(), 0u);  // not in the very next tick

    store::MemoryDefinitions::fail(*shared_, std::nullopt);
    journal_.submit(1'000);
    work();
    EXPECT_FALSE(journal_.failing());
    EXPECT_TRUE(journal_.all_durable());
    EXPECT_EQ(found()["a"], "2");
}

TEST_F(NameJournalTest, KnowsWhichNamesAreOnTheirWay) {
    journal_.put("topic", "a", "1");
    journal_.put("group", "a", "1");
    journal_.submit(0);
    journal_.put("topic", "a", "2");
    EXPECT_EQ(journal_.pending("topic", "a"), 3u);
    EXPECT_EQ(journal_.pending("group", "a"), 2u);
    EXPECT_EQ(journal_.pending("topic", "b"), 0u);
    work();
    EXPECT_EQ(journal_.pending("topic", "a"), 3u);
    EXPECT_EQ(journal_.pending("group", "a"), 0u);
    journal_.submit(0);
    work();
    EXPECT_EQ(journal_.pending("topic", "a"), 0u);
}

TEST_F(NameJournalTest, TheEndWaitsForTheBatchUnderWay) {
    journal_.put("topic", "a", "1");
    journal_.submit(0);
    journal_.put("topic", "b", "2");
    ASSERT_TRUE(journal_.commit().ok());
    EXPECT_TRUE(journal_.all_durable());
    EXPECT_EQ(found().size(), 2u);
}

TEST_F(NameJournalTest, ABatchThatOutlivesItsJournalIsHarmless) {
    {
        NameJournal gone(std::make_unique<store::MemoryDefinitions>(shared_), worker_);
        gone.put("topic", "a", "1");
        gone.submit(0);
    }
    work();
    EXPECT_EQ(found().size(), 1u);
}

}  // namespace
}  // namespace posthorn::broker
