#include "torture_ledger.h"

#include <gtest/gtest.h>

namespace posthorn::cli {
namespace {

TEST(TortureLedger, AnAcknowledgedMessageThatIsNotFoundIsLost) {
    TortureLedger ledger;
    ledger.acknowledge(ledger.issue(0, 0), 2, 10);
    ledger.acknowledge(ledger.issue(0, 0), 2, 11);
    ledger.begin_reading();
    EXPECT_TRUE(ledger.found(1, 2, 11));
    EXPECT_EQ(ledger.verdict().lost, 1U);
    EXPECT_EQ(ledger.verdict().acknowledged, 2U);
    EXPECT_FALSE(ledger.verdict().good());
}

TEST(TortureLedger, AMessageWhoseAnswerDiedMayBeThereOrNot) {
    TortureLedger ledger;
    ledger.issue(0, 0);
    ledger.issue(0, 0);
    ledger.begin_reading();
    EXPECT_TRUE(ledger.found(0, 0, 0));
    EXPECT_EQ(ledger.verdict().extra, 1U);
    EXPECT_TRUE(ledger.verdict().good());
}

TEST(TortureLedger, TwiceTheSameIsADuplicateEvenWithoutAnAnswer) {
    TortureLedger ledger;
    ledger.issue(0, 0);
    ledger.begin_reading();
    ledger.found(0, 0, 0);
    ledger.found(0, 0, 1);
    EXPECT_EQ(ledger.verdict().duplicated, 1U);
    EXPECT_FALSE(ledger.verdict().good());
}

TEST(TortureLedger, AnotherPlaceThanAcknowledgedCounts) {
    TortureLedger ledger;
    ledger.acknowledge(ledger.issue(0, 0), 2, 10);
    ledger.begin_reading();
    ledger.found(0, 2, 9);
    EXPECT_EQ(ledger.verdict().moved, 1U);
    EXPECT_FALSE(ledger.verdict().good());
}

TEST(TortureLedger, ADelayedMessageMayLieAnywhereOnce) {
    TortureLedger ledger;
    ledger.acknowledge(ledger.issue(1'000'000, 5), 3, 77);
    EXPECT_EQ(ledger.last_due_ns(), 6'000'000);
    ledger.begin_reading();
    EXPECT_EQ(ledger.verdict().lost, 1U);
    ledger.found(0, 1, 4);
    EXPECT_TRUE(ledger.verdict().good());
    EXPECT_EQ(ledger.verdict().delayed, 1U);
    ledger.begin_reading();
    EXPECT_EQ(ledger.verdict().lost, 1U);
}

TEST(TortureLedger, ANumberNeverSentIsToldFromOneThatWas) {
    TortureLedger ledger;
    EXPECT_FALSE(ledger.found(0, 0, 0));
}

}  // namespace
}  // namespace posthorn::cli
