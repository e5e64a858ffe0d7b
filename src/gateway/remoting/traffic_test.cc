#include "traffic.h"

#include <gtest/gtest.h>

#include "store/definitions.h"

namespace posthorn::gateway::remoting {
namespace {

class TrafficTest : public ::testing::Test {
  protected:
    static constexpr std::size_t kSampledMax = 2;

    const model::Topic& topic(std::string_view name) {
        auto made = catalog->put_topic({.name = std::string(name), .permission = {}, .attributes = {}});
        EXPECT_TRUE(made.ok());
        return **made;
    }
    const model::Group& group(std::string_view name) {
        model::Group wanted;
        wanted.name = name;
        auto made = catalog->put_group(wanted);
        EXPECT_TRUE(made.ok());
        return **made;
    }
    void pass(std::int64_t ms) { traffic.sample(now += ms, *catalog); }

    runtime::InlineWorker names;
    std::unique_ptr<broker::Catalog> catalog = std::move(*broker::Catalog::load(
        std::make_unique<store::MemoryDefinitions>(store::MemoryDefinitions::make_shared_state()), {},
        names));
    std::int64_t now = 0;
    Traffic traffic{0, kSampledMax};
};

TEST_F(TrafficTest, RemembersWhereAGroupsNextPullBegins) {
    const auto& orders = topic("orders");
    const auto& readers = group("readers");
    EXPECT_EQ(traffic.pulled_to(readers.id, orders.id, 3), 0u);
    traffic.pulled({readers.id, orders.id, 3, model::QueueOffset(20), 10, 1'000});
    traffic.pulled({readers.id, orders.id, 3, model::QueueOffset(25), 0, 0});  // passed over by its filter
    EXPECT_EQ(traffic.pulled_to(readers.id, orders.id, 3), 25u);
    EXPECT_EQ(traffic.pulled_to(readers.id, orders.id, 2), 0u);
    EXPECT_EQ(traffic.totals.messages_out, 10u);
    EXPECT_EQ(traffic.totals.pulls_found, 1u);
    EXPECT_EQ(traffic.totals.pulls_missed, 1u);
}

TEST_F(TrafficTest, KeepsNoMorePairsOfGroupAndTopicThanItMay) {
    const auto& orders = topic("orders");
    for (std::uint32_t n = 1; n <= Traffic::group_flows_max + 1; ++n)
        traffic.pulled({model::GroupId(n), orders.id, 0, model::QueueOffset(1), 1, 100});
    const model::GroupId last(static_cast<std::uint32_t>(Traffic::group_flows_max)), late(last.value() + 1);
    EXPECT_EQ(traffic.pulled_to(last, orders.id, 0), 1u);
    EXPECT_EQ(traffic.pulled_to(late, orders.id, 0), 0u);
    EXPECT_EQ(traffic.got(late, orders.id), nullptr);
    EXPECT_EQ(traffic.totals.messages_out, Traffic::group_flows_max + 1);
    pass(10'000);  // none of these groups is there any more
    traffic.pulled({late, orders.id, 0, model::QueueOffset(1), 1, 100});
    EXPECT_EQ(traffic.pulled_to(late, orders.id, 0), 1u);
}

TEST_F(TrafficTest, SamplesNoMoreFlowsThanItMayAndCountsTheOthersFromWhenThereIsRoom) {
    const auto &first = topic("first"), &second = topic("second"), &third = topic("third");
    traffic.in(first.id, 5, 100);
    pass(10'000);  // the broker's own figures and the first topic's
    traffic.in(second.id, 7, 100);
    traffic.in(third.id, 9, 100);
    pass(10'000);
    EXPECT_GT(traffic.put_tps(first.id), 0);
    EXPECT_EQ(traffic.put_tps(second.id), 0);
    EXPECT_EQ(traffic.put_tps(third.id), 0);
    ASSERT_TRUE(catalog->delete_topic("first").ok());
    traffic.in(third.id, 1, 100);
    pass(10'000);
    EXPECT_DOUBLE_EQ(traffic.put_tps(third.id), 0.1);
}

TEST_F(TrafficTest, DropsTheSamplesOfATopicThatWasIdleForADay) {
    const auto &first = topic("first"), &second = topic("second");
    traffic.in(first.id, 1, 1);
    pass(10'000);
    for (int hour = 0; hour < 26; ++hour) {
        traffic.totals.messages_in += 1, traffic.totals.sends += 1;  // the broker itself is never idle
        pass(3'600'000);
    }
    traffic.in(second.id, 10, 1);
    pass(10'000);
    EXPECT_DOUBLE_EQ(traffic.put_tps(second.id), 1);
    EXPECT_NE(traffic.put(first.id), nullptr);
}

}  // namespace
}  // namespace posthorn::gateway::remoting
