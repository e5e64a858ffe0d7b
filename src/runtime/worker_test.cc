#include "runtime/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <set>
#include <string>
#include <thread>

#include "runtime/loop.h"

namespace posthorn::runtime {
namespace {

using testing::ElementsAre;

TEST(ThreadWorker, WorkRunsElsewhereAndDoneOnTheOwnersLoop) {
    const env::SystemClock clock;
    Loop loop(clock);
    ThreadWorker worker({.name = "test", .threads = 1, .capacity = 8},
                        [&] { loop.post([&] { worker.collect(); }); });
    std::thread::id worked, done;
    ASSERT_TRUE(worker.submit([&] { worked = std::this_thread::get_id(); },
                              [&] {
                                  done = std::this_thread::get_id();
                                  loop.stop();
                              }));
    loop.run();
    EXPECT_EQ(done, std::this_thread::get_id());
    EXPECT_NE(worked, done);
    EXPECT_EQ(worker.outstanding(), 0u);
}

TEST(ThreadWorker, OneThreadKeepsTheOrder) {
    const env::SystemClock clock;
    Loop loop(clock);
    ThreadWorker worker({.threads = 1, .capacity = 1'000}, [&] { loop.post([&] { worker.collect(); }); });
    std::vector<int> order;
    for (int i = 0; i < 1'000; ++i) {
        ASSERT_TRUE(worker.submit([] {},
                                  [&, i] {
                                      order.push_back(i);
                                      if (order.size() == 1'000) loop.stop();
                                  }));
    }
    loop.run();
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(ThreadWorker, WaitReturnsWhenThereIsSomethingToCollectAndAtOnceWhenNothingIsOutstanding) {
    ThreadWorker worker({.threads = 2}, [] {});
    worker.wait();
    std::size_t done = 0;
    for (int i = 0; i < 100; ++i)
        ASSERT_TRUE(worker.submit([] {}, [&] { ++done; }));
    while (worker.outstanding() > 0) {
        worker.wait();
        EXPECT_GT(worker.collect(), 0u);
    }
    EXPECT_EQ(done, 100u);
}

TEST(SimWorker, WaitRunsTheOldestSoThatThereIsSomethingToCollect) {
    SimWorker worker;
    worker.wait();
    std::vector<int> done;
    for (int i = 0; i < 2; ++i)
        ASSERT_TRUE(worker.submit([] {}, [&, i] { done.push_back(i); }));
    worker.wait();
    worker.wait();  // what waits for `collect` is enough
    EXPECT_EQ(worker.collect(), 1u);
    EXPECT_THAT(done, ElementsAre(0));
}

TEST(ThreadWorker, WakesOncePerBatch) {
    std::atomic<int> wakes{0};
    std::promise<void> second_may_end, second_began;
    ThreadWorker worker({.threads = 1}, [&] { ++wakes; });
    ASSERT_TRUE(worker.submit([] {}, [] {}));
    ASSERT_TRUE(worker.submit(
        [&] {
            second_began.set_value();
            second_may_end.get_future().wait();
        },
        [] {}));
    second_began.get_future().wait();
    EXPECT_EQ(wakes, 1);
    second_may_end.set_value();
    std::promise<void> third;
    ASSERT_TRUE(worker.submit([&] { third.set_value(); }, [] {}));
    third.get_future().wait();
    EXPECT_EQ(wakes, 1) << "nobody collected since";
}

TEST(ThreadWorker, AFullQueueTakesNothing) {
    std::promise<void> go;
    const std::shared_future<void> gone = go.get_future().share();
    ThreadWorker worker({.threads = 1, .capacity = 2}, nullptr);
    ASSERT_TRUE(worker.submit([gone] { gone.wait(); }, nullptr));
    ASSERT_TRUE(worker.submit([] {}, nullptr));
    bool ran = false;
    EXPECT_FALSE(worker.submit([&] { ran = true; }, nullptr));
    go.set_value();
    while (worker.outstanding() > 0)
        worker.collect();
    EXPECT_TRUE(worker.submit([] {}, nullptr));
    EXPECT_FALSE(ran);
}

TEST(ThreadWorker, DestructionWaitsForRunningWorkAndDropsTheRest) {
    std::atomic<bool> finished{false}, dropped_ran{false}, done_ran{false};
    std::promise<void> began;
    auto token = std::make_shared<int>(0);
    {
        ThreadWorker worker({.threads = 1}, nullptr);
        ASSERT_TRUE(worker.submit(
            [&] {
                began.set_value();
                std::this_thread::yield();
                finished = true;
            },
            [&] { done_ran = true; }));
        began.get_future().wait();
        ASSERT_TRUE(worker.submit([&, token] { dropped_ran = true; }, [&] { done_ran = true; }));
        // The first may end before the destructor begins, so the second may run; what must not happen is a
        // done.
    }
    EXPECT_TRUE(finished);
    EXPECT_FALSE(done_ran);
    EXPECT_EQ(token.use_count(), 1) << "what was dropped is destroyed";
}

TEST(SimWorker, RunsWhenToldAndCallsDoneInCollect) {
    SimWorker worker;
    std::string story;
    ASSERT_TRUE(worker.submit([&] { story += "w"; }, [&] { story += "d"; }));
    EXPECT_EQ(worker.collect(), 0u);
    EXPECT_EQ(story, "");
    env::Random random(1);
    EXPECT_TRUE(worker.run_one(random));
    EXPECT_EQ(story, "w");
    EXPECT_EQ(worker.collect(), 1u);
    EXPECT_EQ(story, "wd");
    EXPECT_FALSE(worker.run_one(random));
}

TEST(SimWorker, AsManyMayOvertakeAsThereAreThreads) {
    std::set<std::string> orders;
    for (std::uint64_t seed = 0; seed < 200; ++seed) {
        SimWorker worker(2);
        std::string order;
        for (const char c : {'a', 'b', 'c'})
            ASSERT_TRUE(worker.submit([&order, c] { order += c; }, nullptr));
        env::Random random(seed);
        while (worker.run_one(random)) {
        }
        orders.insert(order);
    }
    EXPECT_THAT(orders, ElementsAre("abc", "acb", "bac", "bca"));
}

TEST(SimWorker, ADeadProcessFinishesNothing) {
    SimWorker worker;
    bool ran = false;
    ASSERT_TRUE(worker.submit([&] { ran = true; }, [&] { ran = true; }));
    worker.drop_all();
    worker.run_all();
    EXPECT_EQ(worker.collect(), 0u);
    EXPECT_FALSE(ran);
}

TEST(InlineWorker, DoneWaitsForCollectEvenWhenItSubmitsMore) {
    InlineWorker worker;
    std::string story;
    ASSERT_TRUE(worker.submit([&] { story += "w1"; },
                              [&] {
                                  story += "d1";
                                  EXPECT_TRUE(worker.submit([&] { story += "w2"; }, [&] { story += "d2"; }));
                              }));
    EXPECT_EQ(story, "w1");
    EXPECT_EQ(worker.collect(), 1u);
    EXPECT_EQ(story, "w1d1w2");
    EXPECT_EQ(worker.collect(), 1u);
    EXPECT_EQ(story, "w1d1w2d2");
}

}  // namespace
}  // namespace posthorn::runtime
