#include "name_numbers.h"

#include <gtest/gtest.h>

#include <set>

namespace posthorn::broker {
namespace {

class NameNumbersTest : public testing::Test {
  protected:
    void SetUp() override { start(); }
    /// As after a crash: what the definitions hold is all there is.
    void start() {
        auto definitions = std::make_unique<store::MemoryDefinitions>(shared_);
        store::Definitions& rows = *definitions;
        journal_ = std::make_unique<NameJournal>(std::move(definitions), worker_);
        numbers_ = std::make_unique<NameNumbers>(*journal_);
        ASSERT_TRUE(rows.load([this](std::string_view, std::string_view, std::string_view text) {
                            numbers_->given(*name_rows::read_numbers(text));
                        })
                        .ok());
        numbers_->reserve_ahead();
        ASSERT_TRUE(journal_->commit().ok());
    }
    void tick() {
        numbers_->reserve_ahead();
        journal_->submit(0);
        worker_.run_all();
        worker_.collect();
    }

    std::shared_ptr<store::MemoryDefinitions::Shared> shared_ = store::MemoryDefinitions::make_shared_state();
    runtime::SimWorker worker_;
    std::unique_ptr<NameJournal> journal_;
    std::unique_ptr<NameNumbers> numbers_;
};

TEST_F(NameNumbersTest, NoNumberIsGivenTwiceWhateverCrashes) {
    std::set<std::uint32_t> topics, queues;
    for (int life = 0; life < 20; ++life) {
        for (std::uint32_t n = 0; n < 40u * static_cast<std::uint32_t>(life); ++n) {
            ASSERT_TRUE(numbers_->make_room({.topics = 1, .queues = 3}).ok());
            EXPECT_TRUE(topics.insert(numbers_->give_topic().value()).second);
            for (int queue = 0; queue < 3; ++queue)
                EXPECT_TRUE(queues.insert(numbers_->give_queue(true).value()).second);
            if (n % 50 == 0) tick();
        }
        worker_.drop_all();
        start();
    }
}

TEST_F(NameNumbersTest, AsManyAsOneTickNeedsAreThereWithoutACommit) {
    store::MemoryDefinitions::fail(*shared_, Error{Errc::no_space, "no commit now"});
    for (int n = 0; n < 64; ++n) {
        ASSERT_TRUE(numbers_->make_room({.topics = 1, .groups = 1, .queues = 4}).ok());
        static_cast<void>(numbers_->give_topic());
        static_cast<void>(numbers_->give_group());
        for (int queue = 0; queue < 4; ++queue)
            static_cast<void>(numbers_->give_queue(true));
    }
    EXPECT_FALSE(numbers_->make_room({.topics = 1'000}).ok());
}

TEST_F(NameNumbersTest, NumbersOfQueuesThatWereNotDurableAreGivenToTheirKindAgain) {
    const model::QueueId gone = numbers_->give_queue(false);
    numbers_->take_back({gone});
    EXPECT_NE(numbers_->give_queue(true), gone);
    EXPECT_EQ(numbers_->give_queue(false), gone);
    EXPECT_NE(numbers_->give_queue(false), gone);
}

TEST_F(NameNumbersTest, AfterACleanEndNothingIsSkipped) {
    ASSERT_TRUE(numbers_->make_room({.topics = 1'000, .queues = 1}).ok());
    const model::TopicId topic = numbers_->give_topic();
    const model::QueueId queue = numbers_->give_queue(true);
    const std::uint64_t version = numbers_->version();
    numbers_->stage_exact();
    ASSERT_TRUE(journal_->commit().ok());
    start();
    EXPECT_EQ(numbers_->give_topic().value(), topic.value() + 1);
    EXPECT_EQ(numbers_->next_queue(), queue.value() + 1);
    EXPECT_EQ(numbers_->version(), version + 1);
}

}  // namespace
}  // namespace posthorn::broker
