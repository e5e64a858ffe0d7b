// Pulling and looking up messages, through a session.
#include "rig_for_test.h"
#include "wire/remoting/message_id.h"
#include "wire/remoting/properties.h"

namespace posthorn::gateway::remoting {
namespace {

TEST_F(SessionTest, GivesTheMessageBackByPullAndById) {
    client.send("orders", "hello", properties({{"TAGS", "paid"}, {"WAIT", "true"}, {"UNIQ_KEY", "K1"}}));
    rig.tick();
    const std::string id = client.one().fields.at("msgId");

    client.pull("orders", 0);
    const Seen pulled = client.one();
    EXPECT_EQ(pulled.code, 0);
    EXPECT_EQ(pulled.fields.at("nextBeginOffset"), "1");
    const auto found = messages(pulled.body);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(as_text(found[0].body), "hello");
    EXPECT_EQ(found[0].topic, "orders");
    EXPECT_EQ(wire::find_property(found[0].properties, "TAGS"), "paid");
    EXPECT_EQ(wire::find_property(found[0].properties, "CLUSTER"), "DefaultCluster");
    EXPECT_FALSE(wire::find_property(found[0].properties, "WAIT"));
    EXPECT_EQ(wire::make_offset_message_id(found[0].store_host, found[0].physical_offset).view(), id);

    client.ask(RequestCode::view_message_by_id, {{"offset", std::to_string(found[0].physical_offset)}});
    EXPECT_EQ(as_text(messages(client.one().body).at(0).body), "hello");
    client.ask(RequestCode::query_message, {{"topic", "orders"},
                                            {"key", "K1"},
                                            {"maxNum", "32"},
                                            {"beginTimestamp", "0"},
                                            {"endTimestamp", "9"},
                                            {"_UNIQUE_KEY_QUERY", "true"}});
    EXPECT_EQ(client.one().code, 0);
}

TEST_F(SessionTest, HoldsAPullUntilAMatchingMessageComes) {
    TestClient consumer(*rig.gateway);
    client.send("orders", "first", properties({{"TAGS", "paid"}}));
    rig.tick();
    consumer.pull("orders", 1, "paid", 15'000);
    EXPECT_TRUE(consumer.take().empty());
    client.send("orders", "other", properties({{"TAGS", "open"}}));
    rig.tick();
    EXPECT_TRUE(consumer.take().empty());
    client.send("orders", "second", properties({{"TAGS", "paid"}}));
    rig.tick();
    const Seen reply = consumer.one();
    EXPECT_EQ(reply.code, 0);
    EXPECT_EQ(as_text(messages(reply.body).at(0).body), "second");
    EXPECT_EQ(reply.fields.at("nextBeginOffset"), "3");
    EXPECT_EQ(rig.gateway->pulls.size(), 0u);
}

TEST_F(SessionTest, AnswersAHeldPullWhenItsTimeIsUp) {
    store("orders", "x");
    client.pull("orders", 1, "*", 1'000);
    rig.tick(500);
    EXPECT_TRUE(client.take().empty());
    rig.tick(700);
    EXPECT_EQ(client.one().code, static_cast<int>(ResponseCode::pull_not_found));
}

TEST_F(SessionTest, SaysWhereToGoOnWhenAnOffsetIsBeyondTheEnd) {
    store("orders", "x");
    client.pull("orders", 5, "*", 1'000);
    const Seen reply = client.one();
    EXPECT_EQ(reply.code, static_cast<int>(ResponseCode::pull_offset_moved));
    EXPECT_EQ(reply.fields.at("nextBeginOffset"), "1");
}

TEST_F(SessionTest, MakesNoGroupOfANameThatNoGroupMayHave) {
    store("orders", "x");
    for (const std::string& group : {std::string("a b"), std::string("a/b"), std::string(256, 'x')}) {
        client.ask(RequestCode::pull_message, {{"consumerGroup", group},
                                               {"topic", "orders"},
                                               {"queueId", "0"},
                                               {"queueOffset", "0"},
                                               {"maxMsgNums", "32"},
                                               {"sysFlag", "4"},
                                               {"subscription", "*"}});
        const Seen reply = client.one();
        EXPECT_EQ(reply.code, static_cast<int>(ResponseCode::subscription_group_not_exist)) << group;
        EXPECT_FALSE(reply.remark.empty());
        EXPECT_EQ(rig.gateway->catalog().group(group), nullptr);
    }
}

TEST_F(SessionTest, FiltersByHeartbeatsUntilAPullKnowsANewerSubscription) {
    for (const char* tag : {"paid", "open"})
        client.send("orders", tag, properties({{"TAGS", tag}}));
    wire::SubscriptionData paid;
    paid.topic = "orders";
    paid.expression = "paid";
    paid.version = 5;
    client.ask(RequestCode::heart_beat, {}, heartbeat("one", {paid}));
    rig.tick();
    client.take();
    const auto pulled = [&](const char* version) {
        client.ask(RequestCode::pull_message, {{"consumerGroup", "readers"},
                                               {"topic", "orders"},
                                               {"queueId", "0"},
                                               {"queueOffset", "0"},
                                               {"maxMsgNums", "32"},
                                               {"sysFlag", "0"},
                                               {"commitOffset", "0"},
                                               {"suspendTimeoutMillis", "0"},
                                               {"subVersion", version}});
        const Seen seen = client.one();
        EXPECT_EQ(seen.code, 0) << seen.remark;
        return messages(seen.body).size();
    };
    EXPECT_EQ(pulled("5"), 1u);
    EXPECT_EQ(pulled("6"), 2u);
}

}  // namespace
}  // namespace posthorn::gateway::remoting
