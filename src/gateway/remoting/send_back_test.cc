// Messages that come back: tries, delays, the dead letter queue.
#include "rig_for_test.h"
#include "wire/remoting/properties.h"

namespace posthorn::gateway::remoting {
namespace {

TEST_F(SessionTest, RetriesAMessageLaterAndLaterAndThenCallsItDead) {
    store("orders", "hard", properties({{"UNIQ_KEY", "K1"}}));
    client.pull("orders", 0);
    const std::string body = client.one().body;
    const auto first = messages(body).at(0);
    const auto back = [&](std::int64_t offset, int level) {
        client.ask(RequestCode::consumer_send_msg_back, {{"offset", std::to_string(offset)},
                                                         {"group", "readers"},
                                                         {"delayLevel", std::to_string(level)},
                                                         {"maxReconsumeTimes", "1"}});
        rig.tick();
        EXPECT_EQ(client.one().code, 0);
    };
    back(first.physical_offset, 0);
    rig.tick(9'500);
    client.pull("%RETRY%readers", 0);
    EXPECT_NE(client.one().code, 0);
    rig.tick(600);
    client.pull("%RETRY%readers", 0);
    const std::string retried_body = client.one().body;
    const auto retried = messages(retried_body).at(0);
    EXPECT_EQ(retried.reconsume_times, 1);
    EXPECT_EQ(wire::find_property(retried.properties, "RETRY_TOPIC"), "orders");

    back(retried.physical_offset, 0);
    client.pull("%DLQ%readers", 0);
    const std::string dead_body = client.one().body;
    const auto dead = messages(dead_body).at(0);
    EXPECT_EQ(as_text(dead.body), "hard");
    EXPECT_EQ(wire::find_property(dead.properties, "RETRY_TOPIC"), "orders");
}

TEST_F(SessionTest, TakesAnyNumberOfTriesAndAnyDelayAClientSays) {
    std::int64_t offset = 0;
    for (const std::string tries : {"-1000", "-2147483648", "2147483647"}) {
        client.ask(RequestCode::send_message_v2,
                   {{"a", "producers"},
                    {"b", "orders"},
                    {"c", "TBW102"},
                    {"d", "4"},
                    {"e", "0"},
                    {"f", "0"},
                    {"g", "1700000000000"},
                    {"h", "0"},
                    {"i", properties({{"TIMER_DELAY_SEC", "-9223372036854775808"}})},
                    {"j", tries},
                    {"k", "false"},
                    {"m", "false"}},
                   "x");
        rig.tick();
        EXPECT_EQ(client.one().code, 0) << tries;
        client.pull("orders", offset++);
        const std::string body = client.one().body;
        client.ask(RequestCode::consumer_send_msg_back,
                   {{"offset", std::to_string(messages(body).at(0).physical_offset)},
                    {"group", "readers"},
                    {"delayLevel", "0"},
                    {"maxReconsumeTimes", "16"}});
        rig.tick();
        EXPECT_EQ(client.one().code, 0) << tries;
    }
    rig.tick(10'000);
    client.pull("%RETRY%readers", 0);
    const std::string retried = client.one().body;
    ASSERT_EQ(messages(retried).size(), 2u);
    EXPECT_EQ(messages(retried).at(0).reconsume_times, 1);
    client.pull("%DLQ%readers", 0);
    const std::string dead = client.one().body;
    EXPECT_EQ(messages(dead).at(0).reconsume_times, 2147483647);
}

}  // namespace
}  // namespace posthorn::gateway::remoting
