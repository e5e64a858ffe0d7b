#include "session.h"

#include "base/log.h"
#include "rig_for_test.h"
#include "wire/remoting/batch.h"
#include "wire/remoting/properties.h"

namespace posthorn::gateway::remoting {
namespace {

std::string properties(const Fields& list) {
    Buffer out;
    for (const auto& [name, value] : list)
        wire::append_property(out, name, value);
    return std::string(as_text(out.view()));
}

std::vector<wire::Message> messages(const std::string& body) {
    std::vector<wire::Message> all;
    for (Bytes rest = as_bytes(body); !rest.empty();) {
        const auto message = wire::decode_stored(rest);
        EXPECT_TRUE(message.ok());
        if (!message) break;
        EXPECT_TRUE(message->body_intact());
        all.push_back(*message);
        rest = rest.subspan(message->bytes.size());
    }
    return all;
}

TEST(Session, AnswersASendWhenTheTickHasWrittenIt) {
    Rig rig;
    TestClient client(*rig.gateway);
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

TEST(Session, SpeaksTheBinaryHeaderToWhoDoes) {
    Rig rig;
    TestClient client(*rig.gateway);
    client.encoding = wire::Encoding::binary;
    client.send("orders", "hello");
    rig.tick();
    EXPECT_EQ(client.one().code, 0);
}

TEST(Session, GivesTheMessageBackByPullAndById) {
    Rig rig;
    TestClient client(*rig.gateway);
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

TEST(Session, MakesATopicAfterItsTemplateButNotMoreQueuesThanTheProducerWants) {
    Rig rig;
    TestClient client(*rig.gateway);
    client.send("fresh", "x");
    EXPECT_EQ(rig.broker->catalog().topic("fresh")->write_queues, 4u);

    RemotingOptions strict;
    strict.auto_create_topics = false;
    Rig closed(strict);
    TestClient other(*closed.gateway);
    other.send("fresh", "x");
    EXPECT_EQ(other.one().code, static_cast<int>(ResponseCode::topic_not_exist));
}

TEST(Session, RefusesSendsItCannotStoreAndSaysWhy) {
    Rig rig;
    TestClient client(*rig.gateway);
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

TEST(Session, StoresABatchAsSingleMessagesWithTheirIdsInOneReply) {
    Rig rig;
    TestClient client(*rig.gateway);
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

TEST(Session, DeliversADelayedMessageWhenItIsDue) {
    Rig rig;
    TestClient client(*rig.gateway);
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

TEST(Session, HoldsAPullUntilAMatchingMessageComes) {
    Rig rig;
    TestClient producer(*rig.gateway), consumer(*rig.gateway);
    producer.send("orders", "first", properties({{"TAGS", "paid"}}));
    rig.tick();
    consumer.pull("orders", 1, "paid", 15'000);
    EXPECT_TRUE(consumer.take().empty());
    producer.send("orders", "other", properties({{"TAGS", "open"}}));
    rig.tick();
    EXPECT_TRUE(consumer.take().empty());
    producer.send("orders", "second", properties({{"TAGS", "paid"}}));
    rig.tick();
    const Seen reply = consumer.one();
    EXPECT_EQ(reply.code, 0);
    EXPECT_EQ(as_text(messages(reply.body).at(0).body), "second");
    EXPECT_EQ(reply.fields.at("nextBeginOffset"), "3");
    EXPECT_EQ(rig.gateway->pulls.size(), 0u);
}

TEST(Session, AnswersAHeldPullWhenItsTimeIsUp) {
    Rig rig;
    TestClient client(*rig.gateway);
    client.send("orders", "x");
    rig.tick();
    client.take();
    client.pull("orders", 1, "*", 1'000);
    rig.tick(500);
    EXPECT_TRUE(client.take().empty());
    rig.tick(700);
    EXPECT_EQ(client.one().code, static_cast<int>(ResponseCode::pull_not_found));
}

TEST(Session, SaysWhereToGoOnWhenAnOffsetIsBeyondTheEnd) {
    Rig rig;
    TestClient client(*rig.gateway);
    client.send("orders", "x");
    rig.tick();
    client.take();
    client.pull("orders", 5, "*", 1'000);
    const Seen reply = client.one();
    EXPECT_EQ(reply.code, static_cast<int>(ResponseCode::pull_offset_moved));
    EXPECT_EQ(reply.fields.at("nextBeginOffset"), "1");
}

TEST(Session, MakesNoGroupOfANameThatNoGroupMayHave) {
    Rig rig;
    TestClient client(*rig.gateway);
    client.send("orders", "x");
    rig.tick();
    client.take();
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

TEST(Session, DropsItsHeldPullsWhenItGoes) {
    Rig rig;
    auto client = std::make_unique<TestClient>(*rig.gateway);
    client->send("orders", "x");
    rig.tick();
    client->pull("orders", 1, "*", 15'000);
    EXPECT_EQ(rig.gateway->pulls.size(), 1u);
    client->send("orders", "y");
    client->session.reset();
    EXPECT_EQ(rig.gateway->pulls.size(), 0u);
    rig.tick();
    EXPECT_EQ(rig.gateway->sends.size(), 0u);
}

TEST(Session, RetriesAMessageLaterAndLaterAndThenCallsItDead) {
    Rig rig;
    TestClient client(*rig.gateway);
    client.send("orders", "hard", properties({{"UNIQ_KEY", "K1"}}));
    rig.tick();
    client.take();
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

TEST(Session, TakesAnyNumberOfTriesAndAnyDelayAClientSays) {
    Rig rig;
    TestClient client(*rig.gateway);
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

TEST(Session, NamesARequestItDoesNotServe) {
    Rig rig;
    TestClient client(*rig.gateway);
    client.ask(RequestCode::pop_message, {});
    const Seen reply = client.one();
    EXPECT_EQ(reply.code, static_cast<int>(ResponseCode::request_code_not_supported));
    EXPECT_NE(reply.remark.find("POP_MESSAGE"), std::string::npos);
}

TEST(Session, ClosesOnBytesThatAreNoFrame) {
    Rig rig;
    TestClient client(*rig.gateway);
    client.session->on_data(as_bytes("GET / HTTP/1.1\r\n\r\n"));
    EXPECT_TRUE(client.is_closed);
    EXPECT_EQ(rig.gateway->counters.malformed_frames, 1u);
}

TEST(Session, LogsOneLineASecondOfBytesThatAreNoFrame) {
    std::vector<std::string> lines;
    set_log_sink([&](LogLevel, std::string_view, std::string_view line) {
        if (line.starts_with("closing")) lines.emplace_back(line);
    });
    Rig rig;
    const auto nonsense = [&] {
        TestClient client(*rig.gateway);
        client.session->on_data(as_bytes("GET / HTTP/1.1\r\n\r\n"));
        EXPECT_TRUE(client.is_closed);
    };
    for (int n = 0; n < 100; ++n)
        nonsense();
    EXPECT_EQ(lines.size(), 1u);
    rig.tick(1'000);
    nonsense();
    set_log_sink({});
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_NE(lines.back().find("99 more"), std::string::npos) << lines.back();
    EXPECT_EQ(rig.gateway->counters.malformed_frames, 101u);
}

TEST(Session, CountsTheMessagesOfATopicBySize) {
    Rig rig;
    TestClient client(*rig.gateway);
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

TEST(Session, TakesAFrameInAnyPieces) {
    Rig rig;
    TestClient client(*rig.gateway);
    Buffer frame;
    auto writer =
        wire::FrameWriter::request(frame, wire::Encoding::json, RequestCode::get_routeinfo_by_topic, 7);
    writer.field("topic", "TBW102");
    ASSERT_TRUE(writer.finish().ok());
    for (std::size_t size = 0; size < frame.size(); ++size)
        EXPECT_EQ(client.session->on_data(frame.view().first(size)), 0u);
    EXPECT_EQ(client.session->on_data(frame.view()), frame.size());
    EXPECT_NE(client.one().body.find("127.0.0.1:10911"), std::string::npos);
}

TEST(Session, TellsTheGroupWhenAMemberComesOrGoes) {
    Rig rig;
    TestClient one(*rig.gateway), two(*rig.gateway);
    const auto beat = [](TestClient& client, const std::string& id) {
        wire::HeartbeatData data;
        data.client_id = id;
        wire::ConsumerData consumer;
        consumer.group = "readers";
        consumer.subscriptions.push_back({});
        consumer.subscriptions.back().topic = "orders";
        data.consumers.push_back(consumer);
        Buffer body;
        wire::write_heartbeat(body, data);
        client.ask(RequestCode::heart_beat, {}, as_text(body.view()));
        EXPECT_EQ(client.take().at(0).code, 0);
    };
    beat(one, "one");
    rig.tick();
    one.take();
    beat(two, "two");
    rig.tick();
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

TEST(Session, StartsANewGroupOfAYoungQueueAtItsBeginning) {
    Rig rig;
    TestClient client(*rig.gateway);
    client.send("orders", "x");
    rig.tick();
    client.take();
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

TEST(Session, FiltersByHeartbeatsUntilAPullKnowsANewerSubscription) {
    Rig rig;
    TestClient client(*rig.gateway);
    for (const char* tag : {"paid", "open"})
        client.send("orders", tag, properties({{"TAGS", tag}}));
    wire::HeartbeatData data;
    data.client_id = "one";
    data.consumers.push_back({});
    data.consumers.back().group = "readers";
    data.consumers.back().subscriptions.push_back({});
    data.consumers.back().subscriptions.back().topic = "orders";
    data.consumers.back().subscriptions.back().expression = "paid";
    data.consumers.back().subscriptions.back().version = 5;
    Buffer body;
    wire::write_heartbeat(body, data);
    client.ask(RequestCode::heart_beat, {}, as_text(body.view()));
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

TEST(Session, RefusesWritesButServesReadsWhenTheDiskFails) {
    Rig rig;
    TestClient client(*rig.gateway);
    client.send("orders", "kept");
    rig.tick();
    client.take();
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

TEST(Session, SaysBusyWhenTooManyPullsOrSendsWait) {
    RemotingOptions options;
    options.held_pulls_per_session_max = 2;
    options.pending_sends_max = 2;
    Rig rig(options);
    TestClient client(*rig.gateway);
    for (int i = 0; i < 2; ++i)
        client.send("orders", "x");
    EXPECT_TRUE(client.take().empty());
    client.send("orders", "x");
    EXPECT_EQ(client.one().code, static_cast<int>(ResponseCode::system_busy));
    rig.tick();
    client.take();
    for (int i = 0; i < 2; ++i)
        client.pull("orders", 2, "*", 15'000);
    EXPECT_TRUE(client.take().empty());
    client.pull("orders", 2, "*", 15'000);
    EXPECT_EQ(client.one().code, static_cast<int>(ResponseCode::system_busy));
    EXPECT_EQ(rig.gateway->counters.busy_refusals, 2u);
}

TEST(Session, TakesNothingFromAClientThatDoesNotRead) {
    Rig rig;
    TestClient client(*rig.gateway);
    client.is_congested = true;
    Buffer frame;
    auto writer =
        wire::FrameWriter::request(frame, wire::Encoding::json, RequestCode::get_routeinfo_by_topic, 7);
    writer.field("topic", "TBW102");
    ASSERT_TRUE(writer.finish().ok());
    EXPECT_EQ(client.session->on_data(frame.view()), 0u);
    client.is_congested = false;
    EXPECT_EQ(client.session->on_data(frame.view()), frame.size());
    EXPECT_EQ(client.one().code, 0);
}

TEST(Session, ResetsAGroupsOffsetsAndTellsItsLiveMembers) {
    Rig rig;
    TestClient admin(*rig.gateway), member(*rig.gateway);
    for (int i = 0; i < 3; ++i)
        admin.send("orders", "x");
    rig.tick();
    admin.take();
    wire::HeartbeatData data;
    data.client_id = "one";
    data.consumers.push_back({});
    data.consumers.back().group = "readers";
    Buffer body;
    wire::write_heartbeat(body, data);
    member.ask(RequestCode::heart_beat, {}, as_text(body.view()));
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

TEST(Session, RelaysAToolsQuestionToItsClientAndGivesUpInTime) {
    Rig rig;
    TestClient tool(*rig.gateway), member(*rig.gateway);
    wire::HeartbeatData data;
    data.client_id = "one";
    data.consumers.push_back({});
    data.consumers.back().group = "readers";
    Buffer body;
    wire::write_heartbeat(body, data);
    member.ask(RequestCode::heart_beat, {}, as_text(body.view()));
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

TEST(Session, DoesNotAnswerAOnewayRequest) {
    Rig rig;
    TestClient client(*rig.gateway);
    client.ask(RequestCode::get_routeinfo_by_topic, {{"topic", "TBW102"}}, {}, true);
    EXPECT_TRUE(client.take().empty());
}

}  // namespace
}  // namespace posthorn::gateway::remoting
