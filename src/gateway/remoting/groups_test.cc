// A group's members, offsets and what tools ask of them, through a session.
#include "rig_for_test.h"

namespace posthorn::gateway::remoting {
namespace {

TEST_F(SessionTest, TellsTheGroupWhenAMemberComesOrGoes) {
    TestClient one(*rig.gateway), two(*rig.gateway);
    const auto beat = [this](TestClient& member, const std::string& id) {
        wire::SubscriptionData orders;
        orders.topic = "orders";
        member.ask(RequestCode::heart_beat, {}, heartbeat(id, {orders}));
        rig.tick();
        EXPECT_EQ(member.take().at(0).code, 0);
    };
    beat(one, "one");
    beat(two, "two");
    const Seen notice = one.one();
    EXPECT_EQ(notice.code, static_cast<int>(RequestCode::notify_consumer_ids_changed));
    EXPECT_EQ(notice.fields.at("consumerGroup"), "readers");
    one.ask(RequestCode::get_consumer_list_by_group, {{"consumerGroup", "readers"}});
    EXPECT_EQ(one.one().body, R"({"consumerIdList":["one","two"]})");
    two.session.reset();
    rig.tick();
    EXPECT_EQ(one.one().code, static_cast<int>(RequestCode::notify_consumer_ids_changed));
    EXPECT_NE(rig.broker->catalog().topic("%RETRY%readers"), nullptr);

    rig.tick(125'000);
    EXPECT_TRUE(one.is_closed);
    EXPECT_EQ(rig.gateway->counters.expired_clients, 1u);
}

TEST_F(SessionTest, StartsANewGroupOfAYoungQueueAtItsBeginning) {
    store("orders", "x");
    const Fields queue{{"consumerGroup", "readers"}, {"topic", "orders"}, {"queueId", "0"}};
    client.ask(RequestCode::query_consumer_offset, queue);
    EXPECT_EQ(client.one().fields.at("offset"), "0");
    Fields strict = queue;
    strict.emplace_back("setZeroIfNotFound", "false");
    client.ask(RequestCode::query_consumer_offset, strict);
    EXPECT_EQ(client.one().code, static_cast<int>(ResponseCode::query_not_found));
    Fields commit = queue;
    commit.emplace_back("commitOffset", "1");
    client.ask(RequestCode::update_consumer_offset, commit);
    EXPECT_EQ(client.one().code, 0);
    client.ask(RequestCode::query_consumer_offset, queue);
    EXPECT_EQ(client.one().fields.at("offset"), "1");
}

TEST_F(SessionTest, ResetsAGroupsOffsetsAndTellsItsLiveMembers) {
    TestClient admin(*rig.gateway), member(*rig.gateway);
    for (int i = 0; i < 3; ++i)
        admin.send("orders", "x");
    rig.tick();
    admin.take();
    member.ask(RequestCode::heart_beat, {}, heartbeat("one"));
    member.ask(RequestCode::update_consumer_offset,
               {{"consumerGroup", "readers"}, {"topic", "orders"}, {"queueId", "0"}, {"commitOffset", "3"}});
    rig.tick();
    member.take();
    admin.ask(RequestCode::invoke_broker_to_reset_offset,
              {{"topic", "orders"}, {"group", "readers"}, {"timestamp", "0"}, {"isForce", "true"}});
    EXPECT_EQ(admin.one().code, 0);
    const Seen push = member.one();
    EXPECT_EQ(push.code, static_cast<int>(RequestCode::reset_consumer_client_offset));
    EXPECT_NE(push.body.find("\"queueId\":0"), std::string::npos);
    member.ask(RequestCode::query_consumer_offset,
               {{"consumerGroup", "readers"}, {"topic", "orders"}, {"queueId", "0"}});
    EXPECT_EQ(member.one().fields.at("offset"), "0");
}

TEST_F(SessionTest, RelaysAToolsQuestionToItsClientAndGivesUpInTime) {
    TestClient tool(*rig.gateway), member(*rig.gateway);
    member.ask(RequestCode::heart_beat, {}, heartbeat("one"));
    rig.tick();
    member.take();
    const Fields question{{"consumerGroup", "readers"}, {"clientId", "one"}, {"jstackEnable", "false"}};
    const auto opaque = tool.ask(RequestCode::get_consumer_running_info, question);
    const Seen asked = member.one();
    EXPECT_EQ(asked.code, static_cast<int>(RequestCode::get_consumer_running_info));

    Buffer answer;
    auto writer =
        wire::FrameWriter::response(answer, {wire::Encoding::json, asked.opaque}, ResponseCode::success);
    writer.body().append("{}");
    ASSERT_TRUE(writer.finish().ok());
    member.session->on_data(answer.view());
    const Seen told = tool.one();
    EXPECT_EQ(told.opaque, opaque);
    EXPECT_EQ(told.body, "{}");

    tool.ask(RequestCode::get_consumer_running_info, question);
    rig.tick(10'001);
    EXPECT_EQ(tool.one().code, static_cast<int>(ResponseCode::consume_msg_timeout));
    EXPECT_EQ(rig.gateway->relay.size(), 0u);
}

}  // namespace
}  // namespace posthorn::gateway::remoting
