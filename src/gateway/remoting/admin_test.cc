// What mqadmin asks, through a session. The texts and numbers are those a 5.5.0 broker answers.
#include "rig_for_test.h"

namespace posthorn::gateway::remoting {
namespace {

Fields topic_fields(std::string_view topic, std::string_view attributes = {}) {
    Fields fields{
        {"topic", std::string(topic)},     {"readQueueNums", "2"}, {"writeQueueNums", "2"}, {"perm", "6"},
        {"topicFilterType", "SINGLE_TAG"}, {"topicSysFlag", "0"},  {"order", "false"}};
    if (!attributes.empty()) fields.emplace_back("attributes", std::string(attributes));
    return fields;
}

class AdminTest : public SessionTest {
  protected:
    Seen ask(RequestCode code, const Fields& fields, std::string_view body = {}) {
        client.ask(code, fields, body);
        if (rig.gateway->replies.size() != 0) rig.tick();  // a name that becomes durable
        return client.one();
    }
    Seen figures(std::string_view name, std::string_view key) {
        return ask(RequestCode::view_broker_stats_data,
                   {{"statsName", std::string(name)}, {"statsKey", std::string(key)}});
    }
    void commit(std::string_view topic, std::int64_t offset) {
        EXPECT_EQ(ask(RequestCode::update_consumer_offset, {{"consumerGroup", "readers"},
                                                            {"topic", std::string(topic)},
                                                            {"queueId", "0"},
                                                            {"commitOffset", std::to_string(offset)}})
                      .code,
                  0);
    }
    std::string runtime() { return ask(RequestCode::get_broker_runtime_info, {}).body; }
};

TEST_F(AdminTest, TellsHowManyMessagesATopicTookAndAGroupGot) {
    for (int n = 0; n < 20; ++n)
        store("orders", "x");
    client.pull("orders", 0);
    EXPECT_EQ(client.one().code, 0);
    rig.tick(10'000);
    EXPECT_NE(figures("TOPIC_PUT_NUMS", "orders").body.find(R"("statsMinute":{"avgpt":1.0,"sum":20,"tps":)"),
              std::string::npos);
    EXPECT_NE(
        figures("GROUP_GET_NUMS", "orders@readers").body.find(R"("statsMinute":{"avgpt":20.0,"sum":20,)"),
        std::string::npos);
    EXPECT_NE(figures("BROKER_PUT_NUMS", "DefaultCluster").body.find(R"("sum":20)"), std::string::npos);
    EXPECT_NE(figures("TOPIC_PUT_SIZE", "orders").body.find(R"("statsDay":{"avgpt":0.0,"sum":0,"tps":0.0})"),
              std::string::npos);
}

TEST_F(AdminTest, SaysThatAFigureOfNothingDoesNotExist) {
    store("orders", "x");
    for (const auto& [name, key] : Fields{{"TOPIC_PUT_NUMS", "nobody"},
                                          {"GROUP_GET_NUMS", "orders@nobody"},
                                          {"GROUP_GET_NUMS", "orders"},
                                          {"BROKER_PUT_NUMS", "OtherCluster"},
                                          {"NO_SUCH_FIGURE", "orders"}}) {
        const Seen seen = figures(name, key);
        EXPECT_EQ(seen.code, 1);
        EXPECT_EQ(seen.remark, "The stats <" + name + "> <" + key + "> not exist");
    }
}

TEST_F(AdminTest, ForgetsTheFiguresOfADeletedTopic) {
    store("orders", "x");
    rig.tick(10'000);
    EXPECT_EQ(ask(RequestCode::delete_topic_in_broker, {{"topic", "orders"}}).code, 0);
    rig.tick(10'000);
    ask(RequestCode::update_and_create_topic, topic_fields("orders"));
    EXPECT_EQ(figures("TOPIC_PUT_NUMS", "orders").code, 1);
}

TEST_F(AdminTest, ShowsRatesAndTotalsOfTheBroker) {
    for (int n = 0; n < 20; ++n)
        store("orders", "x");
    client.pull("orders", 0);
    client.take();
    for (int second = 0; second < 10; ++second)
        rig.tick(1'000);
    const std::string table = runtime();
    EXPECT_NE(table.find(R"("msgPutTotalTodayNow":"20")"), std::string::npos) << table;
    EXPECT_NE(table.find(R"("msgGetTotalTodayNow":"20")"), std::string::npos) << table;
    EXPECT_EQ(table.find(R"("putTps":"0)"), std::string::npos) << table;
    EXPECT_EQ(table.find(R"("getTransferredTps":"0 )"), std::string::npos) << table;
}

TEST_F(AdminTest, TellsHowFastAGroupConsumesAndWhatItHoldsInItsHands) {
    for (int n = 0; n < 20; ++n)
        store("orders", "x");
    client.pull("orders", 0);
    EXPECT_EQ(client.one().code, 0);
    commit("orders", 5);
    rig.tick(10'000);
    const std::string stats = ask(RequestCode::get_consume_stats, {{"consumerGroup", "readers"}}).body;
    EXPECT_NE(stats.find(R"("brokerOffset":20,"consumerOffset":5,)"), std::string::npos) << stats;
    EXPECT_NE(stats.find(R"("pullOffset":20)"), std::string::npos) << stats;
    EXPECT_EQ(stats.find(R"("consumeTps":0.0)"), std::string::npos) << stats;
    // Named topics are looked at whoever subscribed to them.
    EXPECT_NE(
        ask(RequestCode::get_consume_stats, {{"consumerGroup", "readers"}, {"topicList", "orders;nope"}})
            .body.find(R"("topic":"orders")"),
        std::string::npos);

    const std::string all = ask(RequestCode::get_broker_consume_stats, {{"isOrder", "false"}}).body;
    EXPECT_NE(all.find(R"({"readers":[{"consumeTps":)"), std::string::npos) << all;
    EXPECT_NE(all.find(R"("totalDiff":15,"totalInflightDiff":15)"), std::string::npos) << all;
    const std::string ordered = ask(RequestCode::get_broker_consume_stats, {{"isOrder", "true"}}).body;
    EXPECT_NE(ordered.find(R"({"readers":[]})"), std::string::npos) << ordered;
}

TEST_F(AdminTest, ShowsTheIndexOfAQueue) {
    for (int n = 0; n < 5; ++n)
        store("orders", "x", properties({{"TAGS", "a"}}));
    const auto entries = [&](const Fields& more) {
        Fields fields{{"topic", "orders"}, {"queueId", "0"}};
        fields.insert(fields.end(), more.begin(), more.end());
        return ask(RequestCode::query_consume_queue, fields);
    };
    const Seen three = entries({{"index", "1"}, {"count", "3"}});
    EXPECT_EQ(three.code, 0);
    EXPECT_EQ(three.body.find(R"({"maxQueueIndex":5,"minQueueIndex":0,"queueData":[{"eval":false,)"), 0u);
    EXPECT_NE(three.body.find(R"("tagsCode":97)"), std::string::npos) << three.body;
    EXPECT_EQ(std::count(three.body.begin(), three.body.end(), '{'), 4);
    EXPECT_NE(entries({{"index", "0"}, {"count", "1"}, {"consumerGroup", "readers"}})
                  .body.find("readers@orders is not online!"),
              std::string::npos);
    const Seen beyond = entries({{"index", "9"}, {"count", "3"}});
    EXPECT_EQ(beyond.code, 0);
    EXPECT_EQ(beyond.remark, "Index 9 of 0@orders is not exist!");
    EXPECT_EQ(ask(RequestCode::query_consume_queue,
                  {{"topic", "orders"}, {"queueId", "9"}, {"index", "0"}, {"count", "3"}})
                  .remark,
              "9@orders is not exist!");
}

TEST_F(AdminTest, MakesSeveralTopicsOrNone) {
    EXPECT_EQ(ask(RequestCode::update_and_create_topic_list, {},
                  R"({"topicConfigList":[{"topicName":"a","readQueueNums":3,"writeQueueNums":3},)"
                  R"({"topicName":"b","attributes":{"+message.type":"FIFO"}}]})")
                  .code,
              0);
    EXPECT_EQ(rig.broker->catalog().topic("a")->write_queues, 3u);
    EXPECT_EQ(rig.broker->catalog().topic("b")->write_queues, 16u);
    EXPECT_NE(ask(RequestCode::update_and_create_topic_list, {},
                  R"({"topicConfigList":[{"topicName":"c"},{"topicName":"bad name"}]})")
                  .code,
              0);
    EXPECT_EQ(rig.broker->catalog().topic("c"), nullptr);
}

TEST_F(AdminTest, MakesSeveralGroupsOrNone) {
    EXPECT_EQ(ask(RequestCode::update_and_create_subscriptiongroup_list, {},
                  R"({"groupConfigList":[{"groupName":"a","retryMaxTimes":3},{"groupName":"b"}]})")
                  .code,
              0);
    EXPECT_EQ(rig.broker->catalog().group("a")->retry_max, 3);
    EXPECT_NE(ask(RequestCode::update_and_create_subscriptiongroup_list, {},
                  R"({"groupConfigList":[{"groupName":"c"},{"groupName":"bad name"}]})")
                  .code,
              0);
    EXPECT_EQ(rig.broker->catalog().group("c"), nullptr);
}

TEST_F(AdminTest, KeepsAndShowsTheAttributesOfATopic) {
    const auto change = [&](std::string_view attributes) {
        return ask(RequestCode::update_and_create_topic, topic_fields("orders", attributes));
    };
    const auto shown = [&] { return ask(RequestCode::get_topic_config, {{"topic", "orders"}}).body; };
    EXPECT_EQ(change("+message.type=FIFO").code, 0);
    EXPECT_NE(shown().find(R"("attributes":{"message.type":"FIFO"})"), std::string::npos) << shown();
    EXPECT_EQ(change("").code, 0);  // a tool that knows no attributes takes none away
    EXPECT_NE(shown().find(R"("attributes":{"message.type":"FIFO"})"), std::string::npos) << shown();
    EXPECT_EQ(change("-message.type").code, 0);
    EXPECT_NE(shown().find(R"("attributes":{})"), std::string::npos) << shown();
    EXPECT_EQ(change("+colour=blue").remark, "unsupported key: colour");
    EXPECT_EQ(change("+message.type=MIXED").code, static_cast<int>(ResponseCode::invalid_parameter));
}

TEST_F(AdminTest, PutsTheOrderOfATopicIntoItsRouteOnlyWhenToldTo) {
    store("orders", "x");
    EXPECT_EQ(ask(RequestCode::put_kv_config,
                  {{"namespace", "ORDER_TOPIC_CONFIG"}, {"key", "orders"}, {"value", "posthorn-a:2"}})
                  .code,
              0);
    const auto route = [&] { return ask(RequestCode::get_routeinfo_by_topic, {{"topic", "orders"}}).body; };
    EXPECT_EQ(route().find("posthorn-a:2"), std::string::npos);
    EXPECT_EQ(ask(RequestCode::update_namesrv_config, {}, "orderMessageEnable=true\n").code, 0);
    EXPECT_NE(route().find(R"("orderTopicConf":"posthorn-a:2")"), std::string::npos) << route();
    EXPECT_NE(ask(RequestCode::get_namesrv_config, {}).body.find("orderMessageEnable=true"),
              std::string::npos);
}

TEST_F(AdminTest, SaysWhichSettingsCannotChangeWhileItRuns) {
    for (const RequestCode code : {RequestCode::update_namesrv_config, RequestCode::update_broker_config}) {
        const Seen seen = ask(code, {}, "autoCreateTopicEnable=false\norderMessageEnable=true\n");
        EXPECT_EQ(seen.code, static_cast<int>(ResponseCode::no_permission));
        EXPECT_NE(seen.remark.find("cannot be changed while the broker runs"), std::string::npos)
            << seen.remark;
        EXPECT_TRUE(rig.gateway->options.auto_create_topics) << "all or none";
    }
    EXPECT_EQ(ask(RequestCode::update_broker_config, {}, "autoCreateTopicEnable=maybe").remark,
              "autoCreateTopicEnable is true or false, not 'maybe'");
    EXPECT_EQ(ask(RequestCode::update_broker_config, {}, "autoCreateTopicEnable=false\r\n").code, 0);
    EXPECT_FALSE(rig.gateway->options.auto_create_topics);
}

TEST_F(AdminTest, CleansWhatThereIsToClean) {
    for (const RequestCode code : {RequestCode::clean_expired_consumequeue, RequestCode::clean_unused_topic,
                                   RequestCode::delete_expired_commitlog})
        EXPECT_EQ(ask(code, {}).code, 0);
}

}  // namespace
}  // namespace posthorn::gateway::remoting
