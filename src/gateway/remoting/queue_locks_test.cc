#include "queue_locks.h"

#include <gtest/gtest.h>

namespace posthorn::gateway::remoting {
namespace {

constexpr model::QueueId queue{7};

TEST(QueueLocks, BelongToOneClientOfAGroupUntilItLetsGo) {
    QueueLocks locks(60'000, 8);
    EXPECT_TRUE(locks.lock("g", queue, "one", 0));
    EXPECT_FALSE(locks.lock("g", queue, "two", 10));
    EXPECT_TRUE(locks.lock("other", queue, "two", 10));
    locks.unlock("g", queue, "two");
    EXPECT_FALSE(locks.lock("g", queue, "two", 20));
    locks.unlock("g", queue, "one");
    EXPECT_TRUE(locks.lock("g", queue, "two", 20));
}

TEST(QueueLocks, AreFreeAgainWhenNotRenewed) {
    QueueLocks locks(60'000, 8);
    EXPECT_TRUE(locks.lock("g", queue, "one", 0));
    EXPECT_TRUE(locks.lock("g", queue, "one", 50'000));
    EXPECT_FALSE(locks.lock("g", queue, "two", 110'000));
    EXPECT_TRUE(locks.lock("g", queue, "two", 110'001));
    locks.drop_expired(200'000);
    EXPECT_EQ(locks.size(), 0u);
}

TEST(QueueLocks, AreNotGivenBeyondTheirLimit) {
    QueueLocks locks(60'000, 2);
    EXPECT_TRUE(locks.lock("g", model::QueueId(1), "a", 0));
    EXPECT_TRUE(locks.lock("g", model::QueueId(2), "a", 0));
    EXPECT_FALSE(locks.lock("g", model::QueueId(3), "a", 0));
    EXPECT_TRUE(locks.lock("g", model::QueueId(2), "a", 1));
    EXPECT_EQ(locks.size(), 2u);
}

}  // namespace
}  // namespace posthorn::gateway::remoting
