#include "runtime/loop.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <future>
#include <string>
#include <thread>

namespace posthorn::runtime {
namespace {

using std::chrono::milliseconds;

class LoopTest : public testing::Test {
  protected:
    env::SystemClock clock;
    Loop loop{clock};
};

TEST_F(LoopTest, BeginHooksRunBeforeAnyHandlerOfTheTick) {
    std::string story;
    TickHook begin = loop.on_tick_begin([&] { story += "B"; });
    const TickHook end = loop.on_tick_end(TickPhase::settle, [&] { story += "E"; });
    loop.post([&] { story += "p"; });
    loop.tick(milliseconds(0));
    begin.remove();
    loop.tick(milliseconds(0));
    EXPECT_EQ(story, "BpEE");
}

TEST_F(LoopTest, PostsRunInOrderOnTheLoopsThread) {
    std::vector<int> order;
    std::thread other([&] {
        for (int i = 0; i < 1'000; ++i)
            loop.post([&, i] { order.push_back(i); });
        loop.post([&] { loop.stop(); });
    });
    loop.run();
    other.join();
    ASSERT_EQ(order.size(), 1'000u);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(LoopTest, AStopBeforeRunIsObeyedOnce) {
    loop.stop();
    loop.run();
    loop.post([&] { loop.stop(); });
    loop.run();
}

TEST_F(LoopTest, StopFromAnotherThreadWakesASleepingLoop) {
    std::promise<void> running;
    loop.post([&] { running.set_value(); });
    std::thread other([&] {
        running.get_future().wait();
        loop.stop();
    });
    loop.run();
    other.join();
}

TEST_F(LoopTest, HooksRunByPhaseAfterAllHandlersOfTheTick) {
    std::string story;
    const TickHook flush = loop.on_tick_end(TickPhase::flush, [&] { story += "F"; });
    const TickHook apply = loop.on_tick_end(TickPhase::apply, [&] { story += "A"; });
    const TickHook settle = loop.on_tick_end(TickPhase::settle, [&] { story += "S"; });
    for (int i = 0; i < 3; ++i)
        loop.post([&] { story += "p"; });
    loop.tick(milliseconds(0));
    EXPECT_EQ(story, "pppSAF");
}

TEST_F(LoopTest, ARemovedHookNeverRunsAgainEvenInTheSameTick) {
    std::string story;
    TickHook second;
    const TickHook first = loop.on_tick_end(TickPhase::apply, [&] { story += "1", second.remove(); });
    second = loop.on_tick_end(TickPhase::apply, [&] { story += "2"; });
    loop.tick(milliseconds(0));
    loop.tick(milliseconds(0));
    EXPECT_EQ(story, "11");
}

TEST_F(LoopTest, APostFromAHookRunsInTheNextTickWithoutWaiting) {
    int ran = 0;
    const TickHook hook = loop.on_tick_end(TickPhase::apply, [&] {
        if (loop.ticks() == 1) loop.post([&] { ++ran; });
    });
    loop.tick(milliseconds(0));
    EXPECT_EQ(ran, 0);
    loop.tick(std::chrono::hours(1));
    EXPECT_EQ(ran, 1);
}

TEST_F(LoopTest, AFloodOfPostsIsBoundedPerTickAndKeepsItsOrder) {
    std::vector<int> order;
    for (int i = 0; i < 10'000; ++i)
        loop.post([&, i] { order.push_back(i); });
    loop.tick(milliseconds(0));
    EXPECT_LT(order.size(), 10'000u);
    while (order.size() < 10'000)
        loop.tick(std::chrono::hours(1));
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(LoopTest, APostThatPostsItselfDoesNotStarveTheHooks) {
    int hooks = 0;
    std::function<void()> again = [&] { loop.post(again); };
    loop.post(again);
    const TickHook hook = loop.on_tick_end(TickPhase::apply, [&] {
        if (++hooks == 5) loop.stop();
    });
    loop.run();
    EXPECT_EQ(hooks, 5);
}

TEST(LoopTimers, RunInOrderOfTheirDeadlinesNotBeforeThem) {
    env::SimClock clock;
    Loop loop(clock);
    std::string story;
    const Timer b = loop.after(milliseconds(20), [&] { story += "b"; });
    const Timer a = loop.after(milliseconds(10), [&] { story += "a"; });
    loop.tick(milliseconds(0));
    EXPECT_EQ(story, "");
    clock.advance_ms(9);
    loop.tick(milliseconds(0));
    EXPECT_EQ(story, "");
    clock.advance_ms(30);
    EXPECT_TRUE(a.pending());
    loop.tick(milliseconds(0));
    EXPECT_EQ(story, "ab");
    EXPECT_FALSE(a.pending());
}

TEST(LoopTimers, ACancelledOrDestroyedTimerNeverRuns) {
    env::SimClock clock;
    Loop loop(clock);
    bool ran = false;
    Timer cancelled = loop.after(milliseconds(1), [&] { ran = true; });
    cancelled.cancel();
    {
        const Timer destroyed = loop.after(milliseconds(1), [&] { ran = true; });
    }
    Timer replaced = loop.after(milliseconds(1), [&] { ran = true; });
    replaced = Timer();
    clock.advance_ms(5);
    loop.tick(milliseconds(0));
    EXPECT_FALSE(ran);
}

TEST(LoopTimers, ATimerThatSetsItselfAgainRunsOncePerTick) {
    env::SimClock clock;
    Loop loop(clock);
    int runs = 0;
    Timer timer;
    std::function<void()> again = [&] {
        ++runs;
        timer = loop.after(milliseconds(0), again);
    };
    again();
    loop.tick(std::chrono::hours(1));
    EXPECT_EQ(runs, 2);
    loop.tick(std::chrono::hours(1));
    EXPECT_EQ(runs, 3);
}

TEST_F(LoopTest, ATimerWakesASleepingLoop) {
    const Timer timer = loop.after(milliseconds(5), [&] { loop.stop(); });
    const std::int64_t before = clock.steady_ns();
    loop.run();
    EXPECT_GE(clock.steady_ns() - before, 5'000'000);
}

/// Two ends of a socket pair; says what it was told.
struct Ear final : Watcher {
    explicit Ear(Loop& given) : loop(given) {
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
        loop.watch(ends[0], EPOLLIN, *this);
    }
    ~Ear() {
        deaf();
        ::close(ends[0]), ::close(ends[1]);
    }
    void deaf() {
        if (std::exchange(watched, false)) loop.unwatch(ends[0], *this);
    }
    void speak() { EXPECT_EQ(::write(ends[1], "x", 1), 1); }
    void on_ready(std::uint32_t) override {
        ++heard;
        if (then) then();
    }
    Loop& loop;
    int ends[2];
    bool watched = true;
    int heard = 0;
    std::function<void()> then;
};

TEST_F(LoopTest, AWatcherUnwatchedByAnotherInTheSameTickHearsNothing) {
    Ear a(loop), b(loop);
    a.then = [&] { b.deaf(); };
    b.then = [&] { a.deaf(); };
    a.speak(), b.speak();
    loop.tick(milliseconds(0));
    EXPECT_EQ(a.heard + b.heard, 1);
}

TEST_F(LoopTest, SignalsReachTheHandlerOnTheLoop) {
    int seen = 0;
    loop.on_signals([&](int number) {
        seen = number;
        loop.stop();
    });
    loop.post([] { std::raise(SIGTERM); });
    loop.run();
    EXPECT_EQ(seen, SIGTERM);
}

TEST_F(LoopTest, TheSecondSignalEndsTheProcessThoughTheLoopIsBusy) {
    for (const int first : {SIGINT, SIGTERM, SIGHUP}) {
        const auto twice = [&] {
            std::signal(SIGHUP, SIG_DFL);  // whatever the tests were started with
            loop.on_signals([](int) {});
            std::raise(first);
            std::raise(SIGTERM);
        };
        EXPECT_EXIT(twice(), testing::KilledBySignal(SIGTERM), "");
    }
}

}  // namespace
}  // namespace posthorn::runtime
