#include "unacked.h"

#include <gtest/gtest.h>

#include <map>

#include "env/random.h"

namespace posthorn::gateway::amqp {
namespace {

constexpr std::uint64_t kAll = ~std::uint64_t{0};

std::vector<std::uint64_t> up_to(Unacked& unacked, std::uint64_t tag) {
    std::vector<std::uint64_t> tags;
    unacked.each_up_to(tag, [&](Unsettled& one) {
        tags.push_back(one.tag);
        unacked.settle(one);
    });
    return tags;
}

TEST(UnackedTest, ATagIsFoundUntilItIsSettled) {
    Unacked unacked;
    for (std::uint64_t tag = 1; tag <= 3; ++tag)
        unacked.push(tag, 0, {});
    ASSERT_NE(unacked.find(2), nullptr);
    unacked.settle(*unacked.find(2));
    unacked.tidy();
    EXPECT_EQ(unacked.find(2), nullptr);
    EXPECT_EQ(unacked.find(4), nullptr);
    EXPECT_EQ(unacked.find(0), nullptr);
    EXPECT_EQ(unacked.size(), 2u);
    EXPECT_EQ(up_to(unacked, kAll), (std::vector<std::uint64_t>{1, 3}));
    EXPECT_TRUE(unacked.empty());
}

TEST(UnackedTest, WhatIsStagedComesBackInItsPlace) {
    Unacked unacked;
    for (std::uint64_t tag = 1; tag <= 4; ++tag)
        unacked.push(tag, 0, {});
    unacked.stage(*unacked.find(2), Verdict::ack);
    EXPECT_EQ(unacked.find(2), nullptr) << "settled twice in one transaction";
    EXPECT_EQ(unacked.staged(), 1u);
    unacked.unstage();
    EXPECT_EQ(up_to(unacked, 3), (std::vector<std::uint64_t>{1, 2, 3}));
}

TEST(UnackedTest, OneThatIsNeverSettledDoesNotKeepTheOthersInMemory) {
    Unacked unacked;
    unacked.push(1, 0, {});
    for (std::uint64_t tag = 2; tag < 1'000'000; ++tag) {
        unacked.push(tag, 0, {});
        ASSERT_NE(unacked.find(tag), nullptr);
        unacked.settle(*unacked.find(tag));
        if (tag % 3 == 0) unacked.tidy();
    }
    EXPECT_EQ(unacked.size(), 1u);
    EXPECT_LE(unacked.capacity(), 4096u);
    EXPECT_NE(unacked.find(1), nullptr);
}

TEST(UnackedTest, AgreesWithASimpleModel) {
    env::Random random(4);
    Unacked unacked;
    std::map<std::uint64_t, std::uint32_t> model;
    std::uint64_t next = 1;
    for (int step = 0; step < 200'000; ++step) {
        if (random.chance(0.5)) {
            next += random.below(3) == 0 ? 2 : 1;  // tags of "no ack" deliveries are left out
            const auto source = static_cast<std::uint32_t>(random.below(9));
            unacked.push(next, source, {});
            model[next] = source;
        } else if (random.chance(0.02)) {
            const std::uint64_t tag = random.below(next + 2);
            std::vector<std::uint64_t> expected;
            while (!model.empty() && model.begin()->first <= tag) {
                expected.push_back(model.begin()->first);
                model.erase(model.begin());
            }
            ASSERT_EQ(up_to(unacked, tag), expected);
        } else {
            const std::uint64_t tag = next - std::min(next, random.below(2000));
            Unsettled* const one = unacked.find(tag);
            ASSERT_EQ(one != nullptr, model.contains(tag)) << tag;
            if (one != nullptr) {
                EXPECT_EQ(one->source, model[tag]);
                unacked.settle(*one);
                unacked.tidy();
                model.erase(tag);
            }
        }
        ASSERT_EQ(unacked.size(), model.size());
    }
}

}  // namespace
}  // namespace posthorn::gateway::amqp
