#include "ack_watch.h"

#include <gtest/gtest.h>

#include <map>

#include "env/random.h"

namespace posthorn::gateway::amqp {
namespace {

TEST(AckWatch, WhatIsOlderThanTheTimeoutIsOverdue) {
    AckWatch watch;
    EXPECT_FALSE(watch.overdue(0, 100, 1, 3));  // 1 and 2 were delivered before
    EXPECT_FALSE(watch.overdue(99, 100, 1, 3));
    EXPECT_TRUE(watch.overdue(100, 100, 1, 3));
}

TEST(AckWatch, WhoSettlesInTimeIsNot) {
    AckWatch watch;
    for (std::uint64_t step = 1; step < 100; ++step)
        EXPECT_FALSE(watch.overdue(static_cast<std::int64_t>(step) * 10, 100, step, step + 5));
}

/// Against the plain meaning, with a look every eighth of the timeout.
TEST(AckWatch, IsNeverEarlyAndLateByOneLookAtMost) {
    env::Random random(5);
    AckWatch watch;
    std::map<std::uint64_t, std::int64_t> open;
    std::uint64_t next = 1;
    for (std::int64_t now = 0; now < 200'000; ++now) {
        if (random.below(20) == 0) open[next++] = now;
        if (!open.empty() && random.below(20) == 0)
            open.erase(std::next(open.begin(), static_cast<std::ptrdiff_t>(random.below(open.size()))));
        if (now % 10 != 0) continue;
        if (open.empty()) {
            watch.rest();
            continue;
        }
        const std::int64_t age = now - open.begin()->second;
        const bool late = watch.overdue(now, 80, open.begin()->first, next);
        EXPECT_TRUE(late ? age >= 80 : age <= 90) << age;
        if (late) open.erase(open.begin());
    }
}

}  // namespace
}  // namespace posthorn::gateway::amqp
