// Sending, through a session.
#include "rig_for_test.h"
#include "wire/remoting/batch.h"

namespace posthorn::gateway::remoting {
namespace {

TEST_F(SessionTest, AnswersASendWhenTheTickHasWrittenIt) {
    const auto opaque = client.send("orders", "hello");
    EXPECT_TRUE(client.take().empty());
    rig.tick();
    const Seen reply = client.one();
    EXPECT_EQ(reply.code, 0) << reply.remark;
    EXPECT_EQ(reply.opaque, opaque);
    EXPECT_EQ(reply.fields.at("queueId"), "0");
    EXPECT_EQ(reply.fields.at("queueOffset"), "0");
    EXPECT_EQ(reply.fields.at("msgId").size(), 32u);
    EXPECT_EQ(reply.fields.at("MSG_REGION"), "DefaultRegion");
}

TEST_F(SessionTest, MakesATopicAfterItsTemplateButNotMoreQueuesThanTheProducerWants) {
    client.send("fresh", "x");
    EXPECT_EQ(rig.broker->catalog().topic("fresh")->write_queues, 4u);

    RemotingOptions strict;
    strict.auto_create_topics = false;
    Rig closed(strict);
    TestClient other(*closed.gateway);
    other.send("fresh", "x");
    EXPECT_EQ(other.one().code, static_cast<int>(ResponseCode::topic_not_exist));
}

TEST_F(SessionTest, RefusesSendsItCannotStoreAndSaysWhy) {
    const auto refused = [&] {
        const Seen seen = client.one();
        EXPECT_FALSE(seen.remark.empty());
        return ResponseCode{seen.code};
    };
    client.send("bad topic", "x");
    EXPECT_EQ(refused(), ResponseCode::system_error);
    client.send("SCHEDULE_TOPIC_XXXX", "x");
    EXPECT_EQ(refused(), ResponseCode::no_permission);
    client.send("orders", "x", {}, 77);
    EXPECT_EQ(refused(), ResponseCode::invalid_parameter);
    client.send("orders", std::string((1u << 20) + 1, 'x'));
    EXPECT_EQ(refused(), ResponseCode::message_illegal);
    client.send("orders", "x", properties({{"TRAN_MSG", "true"}}));
    EXPECT_EQ(refused(), ResponseCode::no_permission);
    client.send("orders", "x", properties({{"DELAY", "soon"}}));
    EXPECT_EQ(refused(), ResponseCode::message_illegal);
    EXPECT_FALSE(client.is_closed);
}

TEST_F(SessionTest, StoresABatchAsSingleMessagesWithTheirIdsInOneReply) {
    Buffer batch;
    wire::append_batch_item(batch, {0, as_bytes("one"), {}});
    wire::append_batch_item(batch, {0, as_bytes("two"), {}});
    client.send("orders", as_text(batch.view()), {}, 1, true);
    rig.tick();
    const Seen reply = client.one();
    EXPECT_EQ(reply.code, 0);
    EXPECT_EQ(reply.fields.at("msgId").size(), 65u);
    client.pull("orders", 0, "*", 0, 1);
    EXPECT_EQ(messages(client.one().body).size(), 2u);
}

TEST_F(SessionTest, DeliversADelayedMessageWhenItIsDue) {
    client.send("orders", "later", properties({{"DELAY", "2"}}));
    rig.tick();
    EXPECT_EQ(client.one().code, 0);
    rig.tick(4'900);
    client.pull("orders", 0);
    EXPECT_EQ(client.one().code, static_cast<int>(ResponseCode::pull_not_found));
    rig.tick(200);
    client.pull("orders", 0);
    EXPECT_EQ(client.one().code, 0);
}

TEST_F(SessionTest, CountsTheMessagesOfATopicBySize) {
    client.send("orders", std::string(100, 'x'));
    client.send("orders", std::string(2'000, 'x'));
    client.send("orders", std::string(600'000, 'x'));
    rig.tick();
    client.take();
    MessageSizes sizes{};
    rig.gateway->traffic.each_topic(rig.broker->catalog(), [&](const TopicTraffic& topic) {
        if (topic.topic == "orders") sizes = topic.sizes;
    });
    EXPECT_EQ(sizes, (MessageSizes{1, 1, 0, 1, 0, 0, 0}));
}

TEST_F(SessionTest, RefusesWritesButServesReadsWhenTheDiskFails) {
    store("orders", "kept");
    client.send("orders", "lost");
    rig.files.fail_write(1, Errc::io);
    rig.tick();
    EXPECT_EQ(client.one().code, static_cast<int>(ResponseCode::system_error));
    EXPECT_EQ(rig.gateway->counters.sends_broken, 1u);
    client.send("orders", "refused");
    EXPECT_EQ(client.one().code, static_cast<int>(ResponseCode::service_not_available));
    client.pull("orders", 0);
    EXPECT_EQ(client.one().code, 0);
}

TEST_F(SessionTest, TellsWhetherItTakesTracesAlsoAfterThatIsChanged) {
    client.send("orders", "before");
    rig.tick();
    EXPECT_EQ(client.one().fields.at("TRACE_ON"), "true");
    client.ask(RequestCode::update_broker_config, {}, "traceOn=false\n");
    EXPECT_EQ(client.one().code, 0);
    client.send("orders", "after");
    rig.tick();
    EXPECT_EQ(client.one().fields.at("TRACE_ON"), "false");
}

}  // namespace
}  // namespace posthorn::gateway::remoting
