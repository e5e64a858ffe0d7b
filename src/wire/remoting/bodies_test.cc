#include "wire/remoting/bodies.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "json_reader.h"
#include "wire/remoting/route.h"

namespace posthorn::wire::remoting {
namespace {

template <class Write>
std::string written(Write write) {
    Buffer out;
    write(out);
    return std::string(as_text(out.view()));
}

TEST(StrictJson, QuotesKeysThatJavaLeavesBare) {
    EXPECT_EQ(*strict_json(R"({0:"a", 12 :{-1:2}, word:[3,{4:5}], "q":6})"),
              R"({"0":"a","12":{"-1":2},"word":[3,{"4":5}],"q":6})");
    EXPECT_EQ(*strict_json(R"({{"topic":"t}","queueId":0}:{"x":1},{"a":{"b":1}}:2})"),
              R"({"{\"topic\":\"t}\",\"queueId\":0}":{"x":1},"{\"a\":{\"b\":1}}":2})");
    EXPECT_EQ(*strict_json(R"({"text":"{1:2} \" ,{"})"), R"({"text":"{1:2} \" ,{"})");
}

TEST(StrictJson, EveryTruncationIsRefusedSomewhereAndReadsNothingBeyond) {
    const std::string text =
        R"({{"brokerName":"b","queueId":0,"topic":"t\"\\"}:{"minOffset":1},5:[true,null,1.5e3],"k":{}})";
    EXPECT_TRUE(parse_body(as_bytes(text), "x").ok());
    for (std::size_t size = 0; size < text.size(); ++size) {
        const std::vector<char> part(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(size));
        EXPECT_FALSE(parse_body(std::as_bytes(std::span(part)), "x").ok()) << size;
    }
}

TEST(StrictJson, DeepNestingIsRefused) {
    EXPECT_TRUE(
        parse_body(as_bytes(R"({"a":)" + std::string(60, '[') + std::string(60, ']') + "}"), "x").ok());
    EXPECT_FALSE(parse_body(as_bytes(R"({"a":)" + std::string(100'000, '[')), "x").ok());
}

TEST(ParseBody, TakesOnlyAnObject) {
    for (const char* text : {"", "[]", "5", "\"x\"", "null", "{]", "}"}) {
        auto parsed = parse_body(as_bytes(text), "test body");
        ASSERT_FALSE(parsed.ok()) << text;
        EXPECT_NE(parsed.error().message.find("test body"), std::string::npos);
    }
}

TEST(Heartbeat, ReadsWhatJavaSends) {
    auto heartbeat = parse_heartbeat(as_bytes(
        R"({"clientID":"10.0.0.1@4711#9","consumerDataSet":[{"consumeFromWhere":"CONSUME_FROM_FIRST_OFFSET",)"
        R"("consumeType":"CONSUME_PASSIVELY","groupName":"cg","messageModel":"BROADCASTING","subscriptionDataSet":[)"
        R"({"classFilterMode":false,"codeSet":[2598919,2598920],"expressionType":"TAG","subString":"TagA || TagB",)"
        R"("subVersion":1650000000000,"tagsSet":["TagA","TagB"],"topic":"T"},{"codeSet":[],"expressionType":"TAG",)"
        R"("subString":"*","subVersion":1,"tagsSet":[],"topic":"%RETRY%cg"}],"unitMode":false}],)"
        R"("heartbeatFingerprint":0,"producerDataSet":[{"groupName":"pg"},{"groupName":"CLIENT_INNER_PRODUCER"}],"withoutSub":false})"));
    ASSERT_TRUE(heartbeat.ok()) << heartbeat.error().message;
    EXPECT_EQ(heartbeat->client_id, "10.0.0.1@4711#9");
    EXPECT_EQ(heartbeat->producer_groups, (std::vector<std::string>{"pg", "CLIENT_INNER_PRODUCER"}));
    ASSERT_EQ(heartbeat->consumers.size(), 1u);
    const ConsumerData& consumer = heartbeat->consumers[0];
    EXPECT_EQ(consumer.group, "cg");
    EXPECT_EQ(consumer.type, ConsumeType::passively);
    EXPECT_EQ(consumer.model, MessageModel::broadcasting);
    EXPECT_EQ(consumer.from, ConsumeFrom::first_offset);
    ASSERT_EQ(consumer.subscriptions.size(), 2u);
    EXPECT_EQ(consumer.subscriptions[0].expression, "TagA || TagB");
    EXPECT_EQ(consumer.subscriptions[0].tags, (std::vector<std::string>{"TagA", "TagB"}));
    EXPECT_EQ(consumer.subscriptions[0].tag_codes, (std::vector<std::int32_t>{2598919, 2598920}));
    EXPECT_EQ(consumer.subscriptions[0].version, 1650000000000);
    EXPECT_EQ(consumer.subscriptions[1].topic, "%RETRY%cg");
}

TEST(Heartbeat, TakesOrdinalsAndLeftOutMembers) {
    auto heartbeat = parse_heartbeat(as_bytes(
        R"({"clientID":"c","consumerDataSet":[{"groupName":"g","consumeType":0,"messageModel":0,"consumeFromWhere":5,)"
        R"("subscriptionDataSet":[{"topic":"t","subString":"a","subVersion":"17","codeSet":["97"]}]},{"groupName":"h"}],"producerDataSet":null})"));
    ASSERT_TRUE(heartbeat.ok()) << heartbeat.error().message;
    EXPECT_EQ(heartbeat->consumers[0].type, ConsumeType::actively);
    EXPECT_EQ(heartbeat->consumers[0].model, MessageModel::broadcasting);
    EXPECT_EQ(heartbeat->consumers[0].from, ConsumeFrom::timestamp);
    EXPECT_EQ(heartbeat->consumers[0].subscriptions[0].version, 17);
    EXPECT_EQ(heartbeat->consumers[0].subscriptions[0].expression_type, "TAG");
    EXPECT_EQ(heartbeat->consumers[0].subscriptions[0].tag_codes, (std::vector<std::int32_t>{97}));
    EXPECT_EQ(heartbeat->consumers[1].model, MessageModel::clustering);
    EXPECT_FALSE(parse_heartbeat(as_bytes(R"({"producerDataSet":[]})")).ok()) << "no client id";
}

TEST(Heartbeat, ComesBackAsWritten) {
    HeartbeatData heartbeat{"c", {"pg"}, {}};
    ConsumerData consumer;
    consumer.group = "cg";
    consumer.from = ConsumeFrom::timestamp;
    consumer.subscriptions.push_back({"t", "a||b", "TAG", {"a", "b"}, {97, -98}, 5, false});
    heartbeat.consumers.push_back(consumer);
    const std::string text = written([&](Buffer& out) { write_heartbeat(out, heartbeat); });
    auto back = parse_heartbeat(as_bytes(text));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back->producer_groups, heartbeat.producer_groups);
    EXPECT_EQ(back->consumers[0].from, ConsumeFrom::timestamp);
    EXPECT_EQ(back->consumers[0].subscriptions[0].tag_codes, (std::vector<std::int32_t>{97, -98}));
}

TEST(ClientCheck, ReadsItsSubscription) {
    auto check = parse_client_check(as_bytes(
        R"({"clientId":"c","group":"g","subscriptionData":{"topic":"t","subString":"a > 1","expressionType":"SQL92"}})"));
    ASSERT_TRUE(check.ok());
    EXPECT_EQ(check->group, "g");
    EXPECT_EQ(check->subscription.expression_type, "SQL92");
}

TEST(Route, IsStrictJsonWithQuotedBrokerIds) {
    TopicRoute route;
    route.order_conf = "broker-a:4";
    route.queues.push_back({"broker-a", 4, 8, 6, 0});
    route.brokers.push_back({"DefaultCluster", "broker-a", {{0, "127.0.0.1:10911"}, {1, "127.0.0.1:10912"}}});
    const std::string text = written([&](Buffer& out) { write_route(out, route); });
    EXPECT_NE(text.find(R"("brokerAddrs":{"0":"127.0.0.1:10911","1":"127.0.0.1:10912"})"), std::string::npos)
        << text;
    EXPECT_FALSE(Json::parse(text, nullptr, false).is_discarded());
    auto back = parse_route(as_bytes(text));
    ASSERT_TRUE(back.ok());
    EXPECT_EQ(back->order_conf, "broker-a:4");
    EXPECT_EQ(back->queues[0].read_queues, 4);
    EXPECT_EQ(back->queues[0].write_queues, 8);
    EXPECT_EQ(back->queues[0].perm, 6);
    EXPECT_EQ(back->brokers[0].addresses, route.brokers[0].addresses);
}

TEST(Route, OfAnOldBrokerHasBareBrokerIds) {
    auto route = parse_route(as_bytes(
        R"({"brokerDatas":[{"brokerAddrs":{0:"10.0.0.1:10911"},"brokerName":"b","cluster":"c"}],"filterServerTable":{},)"
        R"("queueDatas":[{"brokerName":"b","perm":6,"readQueueNums":4,"topicSynFlag":3,"writeQueueNums":4}]})"));
    ASSERT_TRUE(route.ok()) << route.error().message;
    EXPECT_EQ(route->brokers[0].addresses.at(0), "10.0.0.1:10911");
    EXPECT_EQ(route->queues[0].sys_flag, 3);
}

TEST(ClusterInfo, ListsBrokersByNameAndByCluster) {
    ClusterInfo info;
    info.brokers.push_back({"DefaultCluster", "broker-a", {{0, "127.0.0.1:10911"}}});
    info.clusters["DefaultCluster"] = {"broker-a"};
    EXPECT_EQ(
        written([&](Buffer& out) { write_cluster_info(out, info); }),
        R"({"brokerAddrTable":{"broker-a":{"brokerAddrs":{"0":"127.0.0.1:10911"},"brokerName":"broker-a",)"
        R"("cluster":"DefaultCluster","enableActingMaster":false}},"clusterAddrTable":{"DefaultCluster":["broker-a"]}})");
}

TEST(Lists, AreWrittenUnderTheirNames) {
    EXPECT_EQ(written([](Buffer& out) {
                  write_topic_list(out, {"a", "b"}, "1.2.3.4:5");
              }),
              R"({"brokerAddr":"1.2.3.4:5","topicList":["a","b"]})");
    EXPECT_EQ(written([](Buffer& out) { write_topic_list(out, {}); }), R"({"topicList":[]})");
    EXPECT_EQ(written([](Buffer& out) { write_consumer_list(out, {"x\"y"}); }),
              R"({"consumerIdList":["x\"y"]})");
    EXPECT_EQ(written([](Buffer& out) { write_group_list(out, {"g"}); }), R"({"groupList":["g"]})");
    EXPECT_EQ(written([](Buffer& out) {
                  write_kv_table(out, {{"b", "1"}, {"a", "2\n"}});
              }),
              R"({"table":{"b":"1","a":"2\n"}})");
    EXPECT_EQ(parse_kv_table(as_bytes(R"({"table":{"b":"1","a":2}})"))->at("a"), "2");
}

TEST(LockBatch, IsReadAndAnswered) {
    auto lock = parse_lock_batch(as_bytes(
        R"({"clientId":"c","consumerGroup":"g","mqSet":[{"brokerName":"b","queueId":3,"topic":"t"}],"onlyThisBroker":true})"));
    ASSERT_TRUE(lock.ok());
    EXPECT_EQ(lock->group, "g");
    EXPECT_EQ(lock->client_id, "c");
    EXPECT_TRUE(lock->only_this_broker);
    EXPECT_EQ(lock->queues, (std::vector<MessageQueue>{{"t", "b", 3}}));
    EXPECT_EQ(written([&](Buffer& out) { write_lock_result(out, lock->queues); }),
              R"({"lockOKMQSet":[{"brokerName":"b","queueId":3,"topic":"t"}]})");
}

TEST(ResetOffset, HasAMapForJavaAndAListForC) {
    const QueueOffsets offsets{{{"t", "b", 0}, 5}, {{"t", "b", 1}, 7}};
    const std::string java = written([&](Buffer& out) { write_reset_offset(out, offsets); });
    const std::string c = written([&](Buffer& out) { write_reset_offset_for_c(out, offsets); });
    EXPECT_EQ(
        java,
        R"({"offsetTable":{{"brokerName":"b","queueId":0,"topic":"t"}:5,{"brokerName":"b","queueId":1,"topic":"t"}:7}})");
    EXPECT_EQ(
        c,
        R"({"offsetTable":[{"brokerName":"b","offset":5,"queueId":0,"topic":"t"},{"brokerName":"b","offset":7,"queueId":1,"topic":"t"}]})");
    EXPECT_EQ(*parse_reset_offset(as_bytes(java)), offsets);
    EXPECT_EQ(*parse_reset_offset(as_bytes(c)), offsets);
}

TEST(ConsumerStatus, OfOneClientBecomesATableByClient) {
    auto offsets = parse_consumer_status(as_bytes(
        R"({"consumerTable":{},"messageQueueTable":{{"brokerName":"b","queueId":2,"topic":"t"}:9}})"));
    ASSERT_TRUE(offsets.ok()) << offsets.error().message;
    EXPECT_EQ(*offsets, (QueueOffsets{{{"t", "b", 2}, 9}}));
    EXPECT_EQ(written([&](Buffer& out) {
                  write_consumer_status(out, {{"c", *offsets}});
              }),
              R"({"consumerTable":{"c":{{"brokerName":"b","queueId":2,"topic":"t"}:9}}})");
}

TEST(Stats, AreKeyedByQueueObjects) {
    EXPECT_EQ(
        written([](Buffer& out) {
            write_topic_stats(out, {{{"t", "b", 0}, {1, 2, 3}}});
        }),
        R"({"offsetTable":{{"brokerName":"b","queueId":0,"topic":"t"}:{"lastUpdateTimestamp":3,"maxOffset":2,"minOffset":1}},"topicPutTps":0.0})");
    EXPECT_EQ(written([](Buffer& out) {
                  write_consume_stats(out, {{{{"t", "b", 0}, {10, 8, 9, 4}}}, 1.5});
              }),
              R"({"consumeTps":1.5,"offsetTable":{{"brokerName":"b","queueId":0,"topic":"t"}:)"
              R"({"brokerOffset":10,"consumerOffset":8,"lastTimestamp":4,"pullOffset":9}}})");
    EXPECT_EQ(
        written([](Buffer& out) {
            write_broker_stats(out, {1, 2, 0.5}, {}, {0, std::numeric_limits<double>::quiet_NaN(), 0});
        }),
        R"({"statsDay":{"avgpt":0.0,"sum":0,"tps":0.0},"statsHour":{"avgpt":0.0,"sum":0,"tps":0.0},"statsMinute":{"avgpt":0.5,"sum":1,"tps":2.0}})");
    EXPECT_EQ(written([](Buffer& out) {
                  write_consumer_offsets(out, {{"t@g", {{0, 5}, {1, 7}}}});
              }),
              R"({"offsetTable":{"t@g":{"0":5,"1":7}}})");
}

TEST(Stats, OfAllGroupsAddUpWhatIsBehindAndWhatIsInFlight) {
    const ConsumeStats one{{{{"t", "b", 0}, {10, 4, 9, 3}}}, 1.5}, two{{{{"u", "b", 0}, {7, 7, 7, 3}}}, 0};
    EXPECT_EQ(written([&](Buffer& out) {
                  write_broker_consume_stats(out, "1.2.3.4:5", {{"g", {one, two}}, {"idle", {}}});
              }),
              R"({"brokerAddr":"1.2.3.4:5","consumeStatsList":[{"g":[)"
              R"({"consumeTps":1.5,"offsetTable":{{"brokerName":"b","queueId":0,"topic":"t"}:)"
              R"({"brokerOffset":10,"consumerOffset":4,"lastTimestamp":3,"pullOffset":9}}},)"
              R"({"consumeTps":0.0,"offsetTable":{{"brokerName":"b","queueId":0,"topic":"u"}:)"
              R"({"brokerOffset":7,"consumerOffset":7,"lastTimestamp":3,"pullOffset":7}}}]},{"idle":[]}],)"
              R"("totalDiff":6,"totalInflightDiff":5})");
}

TEST(ConsumeQueue, NamesWhereItsMessagesLie) {
    const SubscriptionData all{"t", "*", "TAG", {}, {}, 5, false};
    ConsumeQueue queue;
    queue.entries = {{227, 100, 7}};
    queue.min_index = 1;
    queue.max_index = 2;
    EXPECT_EQ(
        written([&](Buffer& out) { write_consume_queue(out, queue); }),
        R"({"maxQueueIndex":2,"minQueueIndex":1,"queueData":[{"eval":false,"physicOffset":227,"physicSize":100,"tagsCode":7}]})");
    queue.entries.clear();
    queue.filter_text = "null";
    queue.subscription = &all;
    auto back = parse_body(as_bytes(written([&](Buffer& out) { write_consume_queue(out, queue); })), "queue");
    ASSERT_TRUE(back.ok());
    EXPECT_EQ((*back)["filterData"], "null");
    EXPECT_EQ((*back)["subscriptionData"]["subString"], "*");
}

TEST(SubscriptionGroup, HasRocketMqsDefaults) {
    auto group = parse_subscription_group(as_bytes(R"({"groupName":"g"})"));
    ASSERT_TRUE(group.ok());
    EXPECT_TRUE(group->consume_enable);
    EXPECT_EQ(group->retry_max_times, 16);
    EXPECT_EQ(group->retry_queues, 1);
    EXPECT_FALSE(parse_subscription_group(as_bytes(R"({"consumeEnable":true})")).ok());
}

TEST(SubscriptionGroup, ComesBackAsWritten) {
    SubscriptionGroup group;
    group.name = "g";
    group.consume_enable = false;
    group.retry_max_times = 3;
    group.attributes["k"] = "v";
    auto back = parse_subscription_group(
        as_bytes(written([&](Buffer& out) { write_subscription_group(out, group); })));
    ASSERT_TRUE(back.ok());
    EXPECT_FALSE(back->consume_enable);
    EXPECT_EQ(back->retry_max_times, 3);
    EXPECT_EQ(back->attributes, group.attributes);
    auto table = parse_body(as_bytes(written([&](Buffer& out) {
                                write_subscription_groups(out, {group}, {1, 2, 3});
                            })),
                            "table");
    ASSERT_TRUE(table.ok());
    EXPECT_EQ((*table)["subscriptionGroupTable"]["g"]["retryMaxTimes"], 3);
    EXPECT_EQ((*table)["dataVersion"]["counter"], 2);
}

TEST(SubscriptionGroup, ComesAloneOrInAList) {
    auto groups = parse_subscription_groups(
        as_bytes(R"({"groupConfigList":[{"groupName":"a","retryMaxTimes":3},{"groupName":"b"}]})"));
    ASSERT_TRUE(groups.ok());
    ASSERT_EQ(groups->size(), 2u);
    EXPECT_EQ(groups->front().retry_max_times, 3);
    EXPECT_EQ(groups->back().retry_max_times, 16);
    EXPECT_FALSE(parse_subscription_groups(as_bytes(R"({"groupConfigList":[{}]})")).ok());
    EXPECT_FALSE(parse_subscription_groups({}).ok());
}

TEST(TopicConfig, OfAListHasTheOriginalsDefaults) {
    auto topics = parse_topic_configs(
        as_bytes(R"({"topicConfigList":[{"topicName":"a","readQueueNums":3,"writeQueueNums":4,"perm":2,)"
                 R"("order":true,"attributes":{"+message.type":"FIFO"}},{"topicName":"b"}]})"));
    ASSERT_TRUE(topics.ok());
    ASSERT_EQ(topics->size(), 2u);
    EXPECT_EQ(topics->front().write_queues, 4);
    EXPECT_EQ(topics->front().perm, 2);
    EXPECT_TRUE(topics->front().order);
    EXPECT_EQ(topics->front().attributes.at("+message.type"), "FIFO");
    EXPECT_EQ(topics->back().read_queues, 16);
    EXPECT_EQ(topics->back().perm, 6);
    EXPECT_FALSE(parse_topic_configs(as_bytes(R"({"topicConfigList":[{"perm":6}]})")).ok());
}

TEST(TopicConfig, IsWrittenAloneAndInTheTable) {
    TopicConfig topic{"t", 4, 8, 6, 0, true, false, {{"message.type", "FIFO"}}};
    auto table =
        parse_body(as_bytes(written([&](Buffer& out) { write_topic_configs(out, {topic}, {}); })), "table");
    ASSERT_TRUE(table.ok());
    auto alone = parse_body(as_bytes(written([&](Buffer& out) { write_topic_config(out, topic); })), "topic");
    ASSERT_TRUE(alone.ok());
    EXPECT_EQ((*table)["topicConfigTable"]["t"], *alone);
    EXPECT_EQ((*alone)["writeQueueNums"], 8);
    EXPECT_EQ((*alone)["topicFilterType"], "SINGLE_TAG");
    EXPECT_EQ((*alone)["attributes"]["message.type"], "FIFO");
}

TEST(Connections, NameTheirLanguage) {
    EXPECT_EQ(
        written([](Buffer& out) {
            write_producer_connections(out, {{"c", "1.2.3.4:5", Language::go, 317}});
        }),
        R"({"connectionSet":[{"clientAddr":"1.2.3.4:5","clientId":"c","language":"GO","version":317}]})");
    ConsumerConnections consumers;
    consumers.connections = {{"c", "1.2.3.4:5", Language::java, 401}};
    consumers.subscriptions.push_back({"t", "*", "TAG", {}, {}, 5, false});
    auto back = parse_body(
        as_bytes(written([&](Buffer& out) { write_consumer_connections(out, consumers); })), "connections");
    ASSERT_TRUE(back.ok());
    EXPECT_EQ((*back)["subscriptionTable"]["t"]["subString"], "*");
    EXPECT_EQ((*back)["messageModel"], "CLUSTERING");
}

TEST(ConsumerRunningInfo, IsReadFromAJavaClient) {
    auto info = parse_consumer_running_info(as_bytes(
        R"({"mqTable":{{"brokerName":"b","queueId":1,"topic":"t"}:{"cachedMsgCount":3,"commitOffset":17,"droped":false,)"
        R"("lastConsumeTimestamp":5,"lastPullTimestamp":6,"locked":true}},"properties":{"PROP_CLIENT_VERSION":"V4_9_4",)"
        R"("PROP_CONSUMER_START_TIMESTAMP":1650000000000},"statusTable":{"t":{"pullRT":1.5}},"subscriptionSet":[{"topic":"t","subString":"*"}]})"));
    ASSERT_TRUE(info.ok()) << info.error().message;
    ASSERT_EQ(info->queues.size(), 1u);
    EXPECT_EQ(info->queues[0].queue, (MessageQueue{"t", "b", 1}));
    EXPECT_EQ(info->queues[0].commit_offset, 17);
    EXPECT_TRUE(info->queues[0].locked);
    EXPECT_EQ(info->properties.at("PROP_CONSUMER_START_TIMESTAMP"), "1650000000000");
    EXPECT_EQ(info->subscriptions[0].topic, "t");
}

}  // namespace
}  // namespace posthorn::wire::remoting
