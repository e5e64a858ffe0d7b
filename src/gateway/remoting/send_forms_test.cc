#include "send_forms.h"

#include "rig_for_test.h"

namespace posthorn::gateway::remoting {
namespace {

TEST(SendForms, ChangeNothingOfWhatIsUnderstood) {
    Rig rig;
    TestClient client(*rig.gateway), other(*rig.gateway);
    for (int round = 0; round < 3; ++round) {
        for (const char* topic : {"orders", "payments", "refunds"}) {
            for (const std::int32_t queue : {0, 1}) {
                const auto opaque = client.send(topic, "hello", "KEYS\001k\002", queue);
                rig.tick();
                const Seen reply = client.one();
                EXPECT_EQ(reply.opaque, opaque);
                EXPECT_EQ(reply.code, 0) << reply.remark;
                EXPECT_EQ(reply.fields.at("queueId"), std::to_string(queue));
                EXPECT_EQ(reply.fields.at("queueOffset"), std::to_string(round));
            }
        }
    }
    other.send("refunds", "hello");
    rig.tick();
    EXPECT_EQ(other.one().fields.at("queueOffset"), "3");
}

TEST(SendForms, DoNotSendToATopicThatIsGone) {
    RemotingOptions options;
    options.auto_create_topics = false;
    Rig rig(options);
    TestClient client(*rig.gateway);
    client.ask(RequestCode::update_and_create_topic, {{"topic", "orders"},
                                                      {"defaultTopic", "TBW102"},
                                                      {"readQueueNums", "4"},
                                                      {"writeQueueNums", "4"},
                                                      {"perm", "6"},
                                                      {"topicFilterType", "SINGLE_TAG"},
                                                      {"topicSysFlag", "0"},
                                                      {"order", "false"}});
    rig.tick();
    EXPECT_EQ(client.one().code, 0);
    for (int n = 0; n < 3; ++n)
        client.send("orders", "hello");
    rig.tick();
    EXPECT_EQ(client.take().size(), 3u);
    client.ask(RequestCode::delete_topic_in_broker, {{"topic", "orders"}});
    rig.tick();
    EXPECT_EQ(client.one().code, 0);
    client.send("orders", "hello");
    EXPECT_EQ(client.one().code, static_cast<std::int32_t>(ResponseCode::topic_not_exist));
}

// More producers than there are forms, each with a topic of its own.
TEST(SendForms, AreLimitedButNotWhatIsUnderstood) {
    Rig rig;
    TestClient client(*rig.gateway);
    for (int round = 0; round < 2; ++round) {
        for (int n = 0; n < 100; ++n)
            client.send("topic" + std::to_string(n), "hello");
        rig.tick();
        for (const Seen& reply : client.take()) {
            EXPECT_EQ(reply.code, 0) << reply.remark;
            EXPECT_EQ(reply.fields.at("queueOffset"), std::to_string(round));
        }
    }
}

}  // namespace
}  // namespace posthorn::gateway::remoting
