#include "rig_for_test.h"

namespace posthorn::gateway::amqp {
namespace {

using wire::MethodCode;
using wire::ReplyCode;

class DeliveryTest : public OneClient {
  protected:
    std::vector<std::string> bodies(const std::vector<Seen>& seen) {
        std::vector<std::string> all;
        for (const Seen& one : seen)
            if (one.code == MethodCode::basic_deliver)
                all.push_back(one.body + (one.as<wire::BasicDeliver>().redelivered ? "+" : ""));
        return all;
    }
    void expect_channel_closed(ReplyCode code, std::string_view text) {
        const Seen seen = client.one();
        const auto close = seen.as<wire::ChannelClose>();
        EXPECT_EQ(close.reply_code, code);
        EXPECT_EQ(close.reply_text, text);
    }
    Seen get(std::string_view queue, bool no_ack = false) {
        client.tell(1, wire::BasicGet{.queue = queue, .no_ack = no_ack});
        auto seen = after();
        EXPECT_EQ(seen.size(), 1u);
        return seen.empty() ? Seen{} : seen.front();
    }
};
using Bodies = std::vector<std::string>;

TEST_F(DeliveryTest, WhatIsPublishedComesOutAsItWentIn) {
    declare("q");
    consume("q", "tag");
    Buffer headers;
    wire::TableWriter writer(headers);
    writer.name("b").int8(1);
    writer.name("a").text("x");
    wire::Properties properties;
    properties.content_type = "text/plain";
    properties.headers = writer.finish();
    properties.delivery_mode = 2;
    client.publish(1, "", "q", "one", properties);
    client.publish(1, "", "q", "");
    const auto seen = after();
    ASSERT_EQ(seen.size(), 2u);
    const auto deliver = seen[0].as<wire::BasicDeliver>();
    EXPECT_EQ(deliver.consumer_tag, "tag");
    EXPECT_EQ(deliver.delivery_tag, 1u);
    EXPECT_EQ(deliver.exchange, "");
    EXPECT_EQ(deliver.routing_key, "q");
    EXPECT_FALSE(deliver.redelivered);
    EXPECT_EQ(seen[0].body, "one");
    Buffer expected;
    wire::append_properties(expected, properties);
    EXPECT_EQ(seen[0].properties, as_text(expected.view()));
    EXPECT_EQ(seen[1].body, "");
    EXPECT_EQ(seen[1].as<wire::BasicDeliver>().delivery_tag, 2u);
}

TEST_F(DeliveryTest, LargeBodiesComeInFramesTheClientAgreedTo) {
    TestClient small(*rig.gateway);
    small.frame_max = 4096;
    small.open();
    small.open_channel(1);
    declare("q");
    small.tell(1, wire::BasicConsume{.queue = "q", .consumer_tag = "t", .no_ack = true});
    small.take();
    const std::string body(100'000, 'x');
    client.publish(1, "", "q", body);
    rig.tick();
    EXPECT_EQ(small.one().body, body);
    small.publish(1, "", "q", body);
    rig.tick();
    EXPECT_EQ(small.one().body, body);
}

TEST_F(DeliveryTest, GetAnswersWithAMessageOrSaysThereIsNone) {
    declare("q");
    EXPECT_EQ(get("q").code, MethodCode::basic_get_empty);
    client.publish(1, "", "q", "one");
    client.publish(1, "", "q", "two");
    const Seen first = get("q");
    EXPECT_EQ(first.body, "one");
    EXPECT_EQ(first.as<wire::BasicGetOk>().message_count, 1u);
    EXPECT_EQ(get("q", true).body, "two");
    EXPECT_EQ(get("q").code, MethodCode::basic_get_empty);
}

TEST_F(DeliveryTest, PublishAndGetInOneStretchFindEachOther) {
    declare("q");
    Buffer properties;
    wire::append_properties(properties, {});
    Buffer bytes;
    wire::append_content(bytes, 1, wire::BasicPublish{.routing_key = "q"}, properties.view(), as_bytes("one"),
                         131'072);
    wire::append_method(bytes, 1, wire::BasicGet{.queue = "q"});
    wire::append_method(bytes, 1, wire::QueuePurge{.queue = "q"});
    client.raw(as_text(bytes.view()));
    const auto seen = after();
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].body, "one");
    EXPECT_EQ(seen[1].code, MethodCode::queue_purge_ok) << "what stood behind the get";
}

TEST_F(DeliveryTest, PrefetchIsTheNumberOfMessagesInHand) {
    declare("q");
    client.tell(1, wire::BasicQos{.prefetch_count = 2});
    EXPECT_EQ(client.one().code, MethodCode::basic_qos_ok);
    consume("q", "t");
    for (const char* body : {"1", "2", "3", "4", "5"})
        client.publish(1, "", "q", body);
    EXPECT_EQ(bodies(after()), (Bodies{"1", "2"}));
    client.tell(1, wire::BasicAck{.delivery_tag = 1});
    EXPECT_EQ(bodies(after()), (Bodies{"3"}));
    client.tell(1, wire::BasicAck{.delivery_tag = 3, .multiple = true});
    EXPECT_EQ(bodies(after()), (Bodies{"4", "5"}));
}

TEST_F(DeliveryTest, AChannelsWindowIsSharedByItsConsumers) {
    declare("a");
    declare("b");
    client.tell(1, wire::BasicQos{.prefetch_count = 3, .global = true});
    client.take();
    consume("a", "ta");
    consume("b", "tb");
    for (int n = 0; n < 5; ++n) {
        client.publish(1, "", "a", "a");
        client.publish(1, "", "b", "b");
    }
    EXPECT_EQ(bodies(after()).size(), 3u);
    client.tell(1, wire::BasicAck{.delivery_tag = 0, .multiple = true});
    EXPECT_EQ(bodies(after()).size(), 3u);
    client.tell(1, wire::BasicQos{.prefetch_count = 0, .global = true});
    EXPECT_EQ(bodies(after()).size(), 4u);
}

TEST_F(DeliveryTest, WhoSettlesNothingStopsOnlyItself) {
    rig.gateway->options.unsettled_per_channel_max = 3;
    declare("q");
    declare("other");
    consume("q", "t");
    consume("other", "no-ack", true);
    for (int n = 0; n < 5; ++n) {
        client.publish(1, "", "q", "q");
        client.publish(1, "", "other", "o");
    }
    const auto seen = bodies(after());
    EXPECT_EQ(std::count(seen.begin(), seen.end(), "q"), 3);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), "o"), 5);
    client.tell(1, wire::BasicAck{.delivery_tag = 0, .multiple = true});
    EXPECT_EQ(bodies(after()), (Bodies{"q", "q"}));
    client.publish(1, "", "q", "q");
    EXPECT_EQ(bodies(after()), (Bodies{"q"}));
    client.tell(1, wire::BasicGet{.queue = "q"});
    EXPECT_EQ(client.one().as<wire::ChannelClose>().reply_text,
              "PRECONDITION_FAILED - too many messages are not acknowledged");
}

TEST_F(DeliveryTest, TheWindowOfAConnectionOpensForAllItsChannels) {
    rig.gateway->options.unsettled_per_connection_max = 3;
    TestClient both(*rig.gateway);
    both.open();
    both.open_channel(1);
    both.open_channel(2);
    declare("q");
    for (const std::uint16_t channel : {1, 2})
        both.tell(channel, wire::BasicConsume{.queue = "q", .no_wait = true});
    for (int n = 0; n < 5; ++n)
        client.publish(1, "", "q", "m");
    rig.tick();
    const auto first = both.take();
    ASSERT_EQ(first.size(), 3u);
    both.tell(first[0].channel, wire::BasicAck{.delivery_tag = 1});
    rig.tick();
    EXPECT_EQ(both.take().size(), 1u);
    both.tell(1, wire::ChannelClose{});
    rig.tick();
    EXPECT_FALSE(both.take().empty());
}

TEST_F(DeliveryTest, WhatALostClientHadInHandGoesBackInShares) {
    declare("q");
    TestClient lost(*rig.gateway);
    lost.open();
    lost.open_channel(1);
    lost.tell(1, wire::BasicConsume{.queue = "q", .no_wait = true});
    const std::size_t many = Gateway::kGivenBackAtOnce * 5 / 2;
    for (std::size_t n = 0; n < many; ++n)
        client.publish(1, "", "q", std::to_string(n));
    for (int n = 0; n < 30; ++n)
        rig.tick();
    exchange::Queue& queue = *rig.hosts->find("/")->queue("q");
    ASSERT_EQ(queue.counts().unacked, many);
    lost.session.reset();
    EXPECT_EQ(queue.counts().unacked, many);
    rig.tick();
    EXPECT_LT(queue.counts().unacked, many);
    EXPECT_GT(queue.counts().unacked, 0u);
    rig.tick();
    EXPECT_EQ(queue.counts().unacked, 0u);
    EXPECT_EQ(queue.counts().ready, many);
    client.tell(1, wire::BasicGet{.queue = "q", .no_ack = true});
    EXPECT_EQ(client.one().body, "0");
}

TEST_F(DeliveryTest, ASlowReaderGetsNoMoreUntilItReads) {
    declare("q");
    consume("q", "t", true);
    client.is_congested = true;
    client.publish(1, "", "q", "1");
    EXPECT_TRUE(after().empty());
    client.is_congested = false;
    client.session->on_writable();
    EXPECT_EQ(bodies(after()), (Bodies{"1"}));
}

TEST_F(DeliveryTest, WhoPublishesAndSettlesBeforeReadingOnIsHeard) {
    declare("q");
    declare("answers");
    consume("q", "t");
    client.publish(1, "", "q", "question");
    EXPECT_EQ(bodies(after()), (Bodies{"question"}));
    client.is_congested = true;
    client.publish(1, "", "answers", "answer");
    client.tell(1, wire::BasicAck{.delivery_tag = 1});
    after();
    EXPECT_EQ(rig.hosts->find("/")->queue("answers")->counts().ready, 1u);
    EXPECT_EQ(rig.hosts->find("/")->queue("q")->counts().unacked, 0u);
}

TEST_F(DeliveryTest, AnswersToAClientThatNeverReadsEnd) {
    const std::size_t stop = rig.gateway->options.output_stop_bytes;
    const std::string large(100'000, 'x');
    while (client.unsent() < 2 * stop && !client.is_paused)
        client.publish(1, "", "nowhere", large, {}, true);
    EXPECT_TRUE(client.is_paused);
    EXPECT_LT(client.unsent(), stop + 2 * large.size());
    client.publish(1, "", "nowhere", "last", {}, true);
    after();
    client.session->on_writable();
    EXPECT_FALSE(client.is_paused);
    client.flush();
    EXPECT_EQ(client.one().body, "last");
}

TEST_F(DeliveryTest, WhatIsHandedBackComesAgainInItsPlace) {
    declare("q");
    client.tell(1, wire::BasicQos{.prefetch_count = 3});
    client.take();
    consume("q", "t");
    for (const char* body : {"1", "2", "3", "4"})
        client.publish(1, "", "q", body);
    EXPECT_EQ(bodies(after()), (Bodies{"1", "2", "3"}));
    client.tell(1, wire::BasicNack{.delivery_tag = 2, .multiple = true, .requeue = true});
    EXPECT_EQ(bodies(after()), (Bodies{"1+", "2+"}));
    client.tell(1, wire::BasicReject{.delivery_tag = 3, .requeue = false});
    EXPECT_EQ(bodies(after()), (Bodies{"4"}));
    client.tell(1, wire::BasicRecover{.requeue = true});
    auto seen = after();
    EXPECT_EQ(seen.front().code, MethodCode::basic_recover_ok);
    EXPECT_EQ(bodies(seen), (Bodies{"1+", "2+", "4+"}));
}

TEST_F(DeliveryTest, AQuorumQueueTellsHowOftenAMessageWasDelivered) {
    Buffer arguments;
    wire::TableWriter writer(arguments);
    writer.name("x-queue-type").text("quorum");
    declare("q", writer.finish(), true);
    const auto count = [](const Seen& seen) {
        wire::Properties properties;
        EXPECT_TRUE(wire::decode_properties(as_bytes(seen.properties), properties));
        return properties.headers ? properties.headers->integer("x-delivery-count") : std::nullopt;
    };
    client.publish(1, "", "q", "1");
    rig.tick();
    EXPECT_EQ(count(get("q")), 0);
    client.tell(1, wire::BasicReject{.delivery_tag = 1, .requeue = true});
    EXPECT_EQ(count(get("q")), 1);
    client.tell(1, wire::BasicReject{.delivery_tag = 2, .requeue = true});
    consume("q", "t");
    client.publish(1, "", "q", "2");
    const auto seen = after();
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(count(seen[0]), 2);
    EXPECT_EQ(count(seen[1]), std::nullopt);
}

TEST_F(DeliveryTest, AClosedChannelGivesBackWhatItHad) {
    declare("q");
    consume("q", "t");
    client.publish(1, "", "q", "1");
    client.publish(1, "", "q", "2");
    EXPECT_EQ(bodies(after()).size(), 2u);
    client.tell(1, wire::ChannelClose{ReplyCode::success, "bye", 0, 0});
    EXPECT_EQ(client.one().code, MethodCode::channel_close_ok);
    client.open_channel(1);
    const Seen seen = get("q");
    EXPECT_EQ(seen.body, "1");
    EXPECT_TRUE(seen.as<wire::BasicGetOk>().redelivered);

    TestClient other(*rig.gateway);
    other.open();
    other.open_channel(9);
    other.tell(9, wire::BasicGet{.queue = "q"});
    rig.tick();
    EXPECT_EQ(other.one().body, "2");
    other.session.reset();
    EXPECT_EQ(get("q").body, "2");
}

TEST_F(DeliveryTest, UnknownTagsCloseTheChannel) {
    declare("q");
    client.publish(1, "", "q", "1");
    get("q");
    client.tell(1, wire::BasicAck{.delivery_tag = 0, .multiple = true});
    EXPECT_TRUE(client.take().empty());
    client.tell(1, wire::BasicAck{.delivery_tag = 0, .multiple = true});
    EXPECT_TRUE(client.take().empty()) << "nothing in hand is fine";
    client.tell(1, wire::BasicAck{.delivery_tag = 1});
    expect_channel_closed(ReplyCode::precondition_failed, "PRECONDITION_FAILED - unknown delivery tag 1");
}

TEST_F(DeliveryTest, OfASingleActiveConsumerTheOthersAreListedAsWaiting) {
    Buffer bytes;
    wire::TableWriter writer(bytes);
    writer.name("x-single-active-consumer").boolean(true);
    declare("q", writer.finish());
    const auto active = [&] {
        std::map<std::string, bool> all;
        rig.gateway->channels.each([&](Channel& channel) {
            channel.each_consumer([&](const ChannelConsumer& consumer, const exchange::Queue& queue) {
                all[consumer.options().tag] = queue.active(consumer);
            });
        });
        return all;
    };
    consume("q", "first");
    consume("q", "second");
    EXPECT_EQ(active(), (std::map<std::string, bool>{{"first", true}, {"second", false}}));
    client.tell(1, wire::BasicCancel{.consumer_tag = "first"});
    EXPECT_EQ(active(), (std::map<std::string, bool>{{"second", true}}));
}

TEST_F(DeliveryTest, AConsumerIsToldWhenItsQueueGoes) {
    declare("q");
    consume("q", "t");
    client.tell(1, wire::QueueDelete{.queue = "q"});
    const auto seen = after();
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_EQ(seen[0].code, MethodCode::queue_delete_ok);
    const auto cancel = seen[1].as<wire::BasicCancel>();
    EXPECT_EQ(cancel.consumer_tag, "t");
    EXPECT_TRUE(cancel.no_wait);
    EXPECT_EQ(rig.gateway->counters.consumers, 0u);
}

TEST_F(DeliveryTest, WhatACancelledConsumerHadCanStillBeSettled) {
    declare("q");
    consume("q", "t");
    client.publish(1, "", "q", "1");
    after();
    client.tell(1, wire::BasicCancel{.consumer_tag = "t"});
    EXPECT_EQ(client.one().as<wire::BasicCancelOk>().consumer_tag, "t");
    client.tell(1, wire::BasicNack{.delivery_tag = 1, .requeue = true});
    EXPECT_EQ(get("q").body, "1");
    client.tell(1, wire::QueueDelete{.queue = "q"});
    EXPECT_EQ(client.one().code, MethodCode::queue_delete_ok);
    client.tell(1, wire::BasicAck{.delivery_tag = 2});
    EXPECT_TRUE(after().empty()) << "settling for a queue that went means nothing";
}

TEST_F(DeliveryTest, ExclusiveQueuesGoWithTheirConnection) {
    declare("mine", {}, false, true);
    TestClient other(*rig.gateway);
    other.open();
    other.open_channel(1);
    other.tell(1, wire::QueueDeclare{.queue = "mine", .passive = true});
    EXPECT_EQ(other.one().as<wire::ChannelClose>().reply_code, ReplyCode::resource_locked);
    client.tell(0, wire::ConnectionClose{ReplyCode::success, "bye", 0, 0});
    EXPECT_EQ(rig.hosts->find("/")->queue("mine"), nullptr);
}

TEST_F(DeliveryTest, ConsumerTagsAreMadeUpOrUnique) {
    declare("q");
    client.tell(1, wire::BasicConsume{.queue = "q"});
    const Seen seen = client.one();
    const auto ok = seen.as<wire::BasicConsumeOk>();
    EXPECT_TRUE(ok.consumer_tag.starts_with("amq.ctag-"));
    EXPECT_EQ(ok.consumer_tag.size(), 31u);
    consume("q", "t");
    client.tell(1, wire::BasicConsume{.queue = "q", .consumer_tag = "t"});
    const Seen closed = client.one();
    EXPECT_EQ(closed.as<wire::ConnectionClose>().reply_text,
              "NOT_ALLOWED - attempt to reuse consumer tag 't'");
}

TEST_F(DeliveryTest, RepliesGoStraightToWhoWaits) {
    declare("rpc");
    TestClient server(*rig.gateway);
    server.open();
    server.open_channel(1);
    wire::Properties asking;
    asking.reply_to = "amq.rabbitmq.reply-to";
    client.publish(1, "", "rpc", "question", asking);
    expect_channel_closed(ReplyCode::precondition_failed,
                          "PRECONDITION_FAILED - fast reply consumer does not exist");
    client.tell(1, wire::ChannelCloseOk{});
    client.open_channel(1);
    client.tell(1, wire::BasicConsume{.queue = "amq.rabbitmq.reply-to", .consumer_tag = "r", .no_ack = true});
    EXPECT_EQ(client.one().code, MethodCode::basic_consume_ok);
    client.publish(1, "", "rpc", "question", asking);
    server.tell(1, wire::BasicGet{.queue = "rpc", .no_ack = true});
    rig.tick();
    const Seen question = server.one();
    const std::string address(*question.read_properties().reply_to);
    EXPECT_TRUE(address.starts_with("amq.rabbitmq.reply-to."));
    server.tell(1, wire::QueueDeclare{.queue = address, .passive = true});
    EXPECT_EQ(server.one().code, MethodCode::queue_declare_ok);
    server.publish(1, "", address, "answer");
    const Seen answer = client.one();
    EXPECT_EQ(answer.body, "answer");
    EXPECT_EQ(answer.as<wire::BasicDeliver>().consumer_tag, "r");
    client.session.reset();
    server.publish(1, "", address, "too late");
    server.tell(1, wire::QueueDeclare{.queue = address, .passive = true});
    EXPECT_EQ(server.one().as<wire::ChannelClose>().reply_code, ReplyCode::not_found);
}

TEST(ConsumerTimeout, ClosesTheChannelAndGivesTheMessageToOthers) {
    AmqpOptions options;
    options.consumer_timeout = std::chrono::seconds(1);
    Rig rig(options);
    TestClient sleepy(*rig.gateway), awake(*rig.gateway);
    for (TestClient* client : {&sleepy, &awake}) {
        client->open();
        client->open_channel(1);
    }
    sleepy.tell(1, wire::QueueDeclare{.queue = "q"});
    sleepy.tell(1, wire::BasicConsume{.queue = "q", .consumer_tag = "t"});
    sleepy.publish(1, "", "q", "1");
    rig.tick();
    sleepy.take();
    for (int ms = 0; ms < 900; ms += 100)
        rig.tick(100);
    EXPECT_TRUE(sleepy.take().empty());
    for (int ms = 0; ms < 500; ms += 100)
        rig.tick(100);
    const Seen told = sleepy.one();
    const auto close = told.as<wire::ChannelClose>();
    EXPECT_EQ(close.reply_code, ReplyCode::precondition_failed);
    EXPECT_EQ(
        close.reply_text,
        "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: 1000 "
        "ms. This timeout value can be configured, see consumers doc guide to learn more");
    awake.tell(1, wire::BasicGet{.queue = "q"});
    rig.tick();
    const Seen got = awake.one();
    EXPECT_EQ(got.body, "1");
    EXPECT_TRUE(got.as<wire::BasicGetOk>().redelivered);
}

}  // namespace
}  // namespace posthorn::gateway::amqp
