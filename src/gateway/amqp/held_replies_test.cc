#include "held_replies.h"

#include "rig_for_test.h"

namespace posthorn::gateway::amqp {
namespace {

using wire::MethodCode;
using wire::ReplyCode;

/// A gateway whose definitions take as long as the test wants.
class HeldRepliesTest : public testing::Test {
  protected:
    void SetUp() override {
        commit();
        client.open();
        client.open_channel(1);
        client.open_channel(2);
    }
    ~HeldRepliesTest() override { names.drop_all(); }

    void commit() {
        rig.tick();
        names.run_all();
        rig.tick();
        client.flush();
    }
    void declare(std::uint16_t channel, std::string_view queue, bool no_wait = false) {
        client.tell(channel, wire::QueueDeclare{.queue = queue, .durable = true, .no_wait = no_wait});
    }
    std::vector<MethodCode> seen() {
        std::vector<MethodCode> codes;
        for (const Seen& one : client.take())
            codes.push_back(one.code);
        return codes;
    }
    using Codes = std::vector<MethodCode>;

    runtime::SimWorker names;
    Rig rig{names};
    TestClient client{*rig.gateway};
};

TEST_F(HeldRepliesTest, DeclareOkComesWhenTheQueueIsDurableAndOtherChannelsGoOn) {
    declare(1, "orders");
    rig.tick();
    EXPECT_EQ(seen(), Codes{});
    client.tell(2, wire::QueueDeclare{.queue = "passing"});
    EXPECT_EQ(seen(), Codes{MethodCode::queue_declare_ok});
    names.run_all();
    rig.tick();
    const Seen reply = client.one();
    EXPECT_EQ(reply.channel, 1);
    EXPECT_EQ(reply.as<wire::QueueDeclareOk>().queue, "orders");
    EXPECT_EQ(rig.gateway->held_replies.size(), 0u);
}

TEST_F(HeldRepliesTest, WhoDeclaresItAgainMeanwhileWaitsTooAndAfterwardsNobodyDoes) {
    declare(1, "orders");
    rig.tick();
    declare(2, "orders");
    client.tell(2, wire::QueueDeclare{.queue = "orders", .passive = true});
    rig.tick();
    EXPECT_EQ(seen(), Codes{});
    commit();
    EXPECT_EQ(seen().size(), 3u);
    declare(2, "orders");
    EXPECT_EQ(seen(), Codes{MethodCode::queue_declare_ok});
}

TEST_F(HeldRepliesTest, AWholeTopologyInOneGoIsAnsweredInItsOrder) {
    client.tell(1, wire::ExchangeDeclare{.exchange = "e", .type = "direct", .durable = true});
    declare(1, "a", true);
    declare(1, "b");
    client.tell(1, wire::QueueBind{.queue = "b", .exchange = "e", .routing_key = "k"});
    client.tell(1, wire::QueueUnbind{.queue = "b", .exchange = "e", .routing_key = "k"});
    client.tell(1, wire::QueueDelete{.queue = "a"});
    client.tell(1, wire::ExchangeDelete{.exchange = "e"});
    rig.tick();
    EXPECT_EQ(seen(), Codes{});
    EXPECT_FALSE(client.is_paused);
    commit();
    EXPECT_EQ(seen(), (Codes{MethodCode::exchange_declare_ok, MethodCode::queue_declare_ok,
                             MethodCode::queue_bind_ok, MethodCode::queue_unbind_ok,
                             MethodCode::queue_delete_ok, MethodCode::exchange_delete_ok}));
}

TEST_F(HeldRepliesTest, AConsumerBehindADeclarationIsAnsweredAfterIt) {
    declare(1, "orders");
    client.tell(1, wire::BasicConsume{.queue = "orders", .consumer_tag = "c", .no_ack = true});
    EXPECT_TRUE(client.is_paused);
    client.publish(1, "", "orders", "x");
    rig.tick();
    EXPECT_EQ(seen(), Codes{});
    commit();
    commit();
    EXPECT_EQ(seen(),
              (Codes{MethodCode::queue_declare_ok, MethodCode::basic_consume_ok, MethodCode::basic_deliver}));
}

TEST_F(HeldRepliesTest, AConfirmWaitsForTheQueueAndConfirmsOfOthersDoNot) {
    wire::Properties persistent;
    persistent.delivery_mode = 2;
    declare(2, "old");
    commit();
    for (const std::uint16_t channel : {1, 2})
        client.tell(channel, wire::ConfirmSelect{});
    declare(1, "fresh");
    seen();
    client.publish(1, "", "fresh", "x", persistent);
    client.publish(2, "", "old", "x", persistent);
    rig.tick();
    const Seen told = client.one();
    EXPECT_EQ(told.code, MethodCode::basic_ack);
    EXPECT_EQ(told.channel, 2);
    commit();
    EXPECT_EQ(seen(), (Codes{MethodCode::queue_declare_ok, MethodCode::basic_ack}));
}

TEST_F(HeldRepliesTest, ATransactionIntoANewQueueWaitsForIt) {
    wire::Properties persistent;
    persistent.delivery_mode = 2;
    declare(2, "old");
    commit();
    client.tell(1, wire::TxSelect{});
    declare(2, "fresh");
    seen();
    client.publish(1, "", "fresh", "x", persistent);
    client.publish(1, "", "old", "x", persistent);
    client.tell(1, wire::TxCommit{});
    rig.tick();
    EXPECT_EQ(seen(), Codes{});
    commit();
    EXPECT_EQ(seen(), (Codes{MethodCode::queue_declare_ok, MethodCode::tx_commit_ok}));
}

TEST_F(HeldRepliesTest, ADiskThatRefusesNamesIsToldAndLeavesNothingNewBehind) {
    store::MemoryDefinitions::fail(*rig.definitions, Error{Errc::no_space, "the disk is full"});
    declare(1, "orders");
    rig.tick();
    names.run_all();
    rig.tick();
    const auto close = client.one();
    EXPECT_EQ(close.as<wire::ConnectionClose>().reply_code, ReplyCode::resource_error);
    TestClient other(*rig.gateway);
    other.open();
    other.open_channel(1);
    other.tell(1, wire::ExchangeDeclare{.exchange = "e", .type = "direct", .durable = true});
    EXPECT_EQ(other.one().as<wire::ConnectionClose>().reply_code, ReplyCode::resource_error);
    EXPECT_EQ(rig.hosts->find("/")->exchange("e"), nullptr);

    TestClient third(*rig.gateway);
    third.open();
    third.open_channel(1);
    third.tell(1, wire::QueueDeclare{.queue = "passing"});
    EXPECT_EQ(third.one().code, MethodCode::queue_declare_ok);
    store::MemoryDefinitions::fail(*rig.definitions, std::nullopt);
    rig.tick(1'000);
    names.run_all();
    rig.tick();
    third.tell(1, wire::QueueDeclare{.queue = "orders", .durable = true});
    EXPECT_EQ(third.one().code, MethodCode::queue_declare_ok) << "it was tried again and is durable now";
}

TEST_F(HeldRepliesTest, AClosedChannelIsNotAnswered) {
    declare(1, "orders");
    client.tell(1, wire::QueueDeclare{.queue = "nobody", .passive = true});
    EXPECT_EQ(seen(), Codes{MethodCode::channel_close});
    client.tell(1, wire::ChannelCloseOk{});
    client.open_channel(1);
    commit();
    EXPECT_EQ(seen(), Codes{});
    EXPECT_EQ(rig.gateway->held_replies.size(), 0u);
}

TEST_F(HeldRepliesTest, ACloseBehindADeclarationWaitsForIt) {
    declare(1, "orders");
    client.tell(1, wire::ChannelClose{});
    commit();
    EXPECT_EQ(seen(), (Codes{MethodCode::queue_declare_ok, MethodCode::channel_close_ok}));
}

}  // namespace
}  // namespace posthorn::gateway::amqp
