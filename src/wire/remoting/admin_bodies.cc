// Bodies about topics, groups and connected clients.

#include "subscription_json.h"
#include "wire/remoting/bodies.h"

namespace posthorn::wire::remoting {
namespace {

void write_version(JsonWriter& json, const DataVersion& version) {
    json.key("dataVersion");
    json.begin_object();
    json.member("counter", version.counter);
    json.member("stateVersion", version.state_version);
    json.member("timestamp", version.timestamp_ms);
    json.end_object();
}

void write_attributes(JsonWriter& json, const std::map<std::string, std::string>& attributes) {
    json.key("attributes");
    json.begin_object();
    for (const auto& [key, value] : attributes)
        json.member(key, value);
    json.end_object();
}

std::map<std::string, std::string> attributes_of(const Json& object) {
    std::map<std::string, std::string> attributes;
    const Json& all = object_at(object, "attributes");
    for (const auto& [key, value] : all.items())
        attributes[key] = text_at(all, key.c_str());
    return attributes;
}

void write_topic(JsonWriter& json, const TopicConfig& topic) {
    json.begin_object();
    write_attributes(json, topic.attributes);
    json.member("order", topic.order);
    json.member("perm", topic.perm);
    json.member("readQueueNums", topic.read_queues);
    json.member("topicFilterType", topic.multi_tag ? "MULTI_TAG" : "SINGLE_TAG");
    json.member("topicName", topic.name);
    json.member("topicSysFlag", topic.sys_flag);
    json.member("writeQueueNums", topic.write_queues);
    json.end_object();
}

void write_group(JsonWriter& json, const SubscriptionGroup& group) {
    json.begin_object();
    write_attributes(json, group.attributes);
    json.member("brokerId", group.broker_id);
    json.member("consumeBroadcastEnable", group.consume_broadcast_enable);
    json.member("consumeEnable", group.consume_enable);
    json.member("consumeFromMinEnable", group.consume_from_min_enable);
    json.member("consumeMessageOrderly", group.consume_orderly);
    json.member("consumeTimeoutMinute", group.consume_timeout_minutes);
    json.member("groupName", group.name);
    json.member("groupSysFlag", group.sys_flag);
    json.member("notifyConsumerIdsChangedEnable", group.notify_consumer_ids_changed);
    json.member("retryMaxTimes", group.retry_max_times);
    json.member("retryQueueNums", group.retry_queues);
    json.member("whichBrokerWhenConsumeSlowly", group.broker_when_slow);
    json.end_object();
}

void write_connections(JsonWriter& json, const std::vector<Connection>& connections) {
    json.key("connectionSet");
    json.begin_list();
    for (const Connection& each : connections) {
        json.begin_object();
        json.member("clientAddr", each.address);
        json.member("clientId", each.client_id);
        json.member("language", name(each.language));
        json.member("version", each.version);
        json.end_object();
    }
    json.end_list();
}

ConsumerRunningInfo::ProcessQueue process_queue_of(const std::string& key, const Json& object) {
    ConsumerRunningInfo::ProcessQueue process;
    process.queue = queue_of_key(key);
    process.commit_offset = int64_at(object, "commitOffset");
    process.cached_messages = int64_at(object, "cachedMsgCount");
    process.locked = bool_at(object, "locked");
    process.last_pull_ms = int64_at(object, "lastPullTimestamp");
    process.last_consume_ms = int64_at(object, "lastConsumeTimestamp");
    return process;
}

Result<SubscriptionGroup> group_of(const Json& json) {
    SubscriptionGroup group;
    group.name = text_at(json, "groupName");
    if (group.name.empty()) return Error{Errc::invalid, "subscription group: groupName is missing"};
    group.consume_enable = bool_at(json, "consumeEnable", group.consume_enable);
    group.consume_from_min_enable = bool_at(json, "consumeFromMinEnable", group.consume_from_min_enable);
    group.consume_broadcast_enable = bool_at(json, "consumeBroadcastEnable", group.consume_broadcast_enable);
    group.consume_orderly = bool_at(json, "consumeMessageOrderly", group.consume_orderly);
    group.retry_queues = int32_at(json, "retryQueueNums", group.retry_queues);
    group.retry_max_times = int32_at(json, "retryMaxTimes", group.retry_max_times);
    group.broker_id = int64_at(json, "brokerId", group.broker_id);
    group.broker_when_slow = int64_at(json, "whichBrokerWhenConsumeSlowly", group.broker_when_slow);
    group.notify_consumer_ids_changed =
        bool_at(json, "notifyConsumerIdsChangedEnable", group.notify_consumer_ids_changed);
    group.sys_flag = int32_at(json, "groupSysFlag", group.sys_flag);
    group.consume_timeout_minutes = int32_at(json, "consumeTimeoutMinute", group.consume_timeout_minutes);
    group.attributes = attributes_of(json);
    return group;
}

}  // namespace

void write_topic_config(Buffer& out, const TopicConfig& topic) {
    JsonWriter json(out);
    write_topic(json, topic);
}

void write_topic_configs(Buffer& out, const std::vector<TopicConfig>& topics, const DataVersion& version) {
    JsonWriter json(out);
    json.begin_object();
    write_version(json, version);
    json.key("topicConfigTable");
    json.begin_object();
    for (const TopicConfig& each : topics) {
        json.key(each.name);
        write_topic(json, each);
    }
    json.end_object();
    json.end_object();
}

Result<std::vector<TopicConfig>> parse_topic_configs(Bytes body) {
    auto json = parse_body(body, "topic list");
    if (!json) return json.error();
    std::vector<TopicConfig> topics;
    for (const Json& each : list_at(*json, "topicConfigList")) {
        constexpr std::int32_t default_queues = 16;
        TopicConfig topic;
        topic.name = text_at(each, "topicName");
        if (topic.name.empty()) return Error{Errc::invalid, "topic list: topicName is missing"};
        topic.read_queues = int32_at(each, "readQueueNums", default_queues);
        topic.write_queues = int32_at(each, "writeQueueNums", default_queues);
        topic.perm = int32_at(each, "perm", topic.perm);
        topic.sys_flag = int32_at(each, "topicSysFlag");
        topic.order = bool_at(each, "order");
        topic.multi_tag = text_at(each, "topicFilterType") == "MULTI_TAG";
        topic.attributes = attributes_of(each);
        topics.push_back(std::move(topic));
    }
    return topics;
}

Result<SubscriptionGroup> parse_subscription_group(Bytes body) {
    auto json = parse_body(body, "subscription group");
    if (!json) return json.error();
    return group_of(*json);
}

Result<std::vector<SubscriptionGroup>> parse_subscription_groups(Bytes body) {
    auto json = parse_body(body, "subscription group list");
    if (!json) return json.error();
    std::vector<SubscriptionGroup> groups;
    for (const Json& each : list_at(*json, "groupConfigList")) {
        auto group = group_of(each);
        if (!group) return group.error();
        groups.push_back(std::move(*group));
    }
    return groups;
}

void write_subscription_group(Buffer& out, const SubscriptionGroup& group) {
    JsonWriter json(out);
    write_group(json, group);
}

void write_subscription_groups(Buffer& out, const std::vector<SubscriptionGroup>& groups,
                               const DataVersion& version) {
    JsonWriter json(out);
    json.begin_object();
    write_version(json, version);
    json.key("forbiddenTable");
    json.begin_object();
    json.end_object();
    json.key("subscriptionGroupTable");
    json.begin_object();
    for (const SubscriptionGroup& each : groups) {
        json.key(each.name);
        write_group(json, each);
    }
    json.end_object();
    json.end_object();
}

void write_group_list(Buffer& out, const std::vector<std::string>& groups) {
    JsonWriter json(out);
    json.begin_object();
    json.list("groupList", groups);
    json.end_object();
}

void write_consumer_list(Buffer& out, const std::vector<std::string>& client_ids) {
    JsonWriter json(out);
    json.begin_object();
    json.list("consumerIdList", client_ids);
    json.end_object();
}

void write_producer_connections(Buffer& out, const std::vector<Connection>& connections) {
    JsonWriter json(out);
    json.begin_object();
    write_connections(json, connections);
    json.end_object();
}

void write_consumer_connections(Buffer& out, const ConsumerConnections& consumers) {
    JsonWriter json(out);
    json.begin_object();
    write_connections(json, consumers.connections);
    json.member("consumeFromWhere", name(consumers.from));
    json.member("consumeType", name(consumers.type));
    json.member("messageModel", name(consumers.model));
    json.key("subscriptionTable");
    json.begin_object();
    for (const SubscriptionData& each : consumers.subscriptions) {
        json.key(each.topic);
        write_subscription(json, each);
    }
    json.end_object();
    json.end_object();
}

Result<ConsumerRunningInfo> parse_consumer_running_info(Bytes body) {
    auto json = parse_body(body, "consumer running info");
    if (!json) return json.error();
    ConsumerRunningInfo info;
    const Json& properties = object_at(*json, "properties");
    for (const auto& [key, value] : properties.items())
        info.properties[key] = text_at(properties, key.c_str());
    for (const Json& each : list_at(*json, "subscriptionSet"))
        info.subscriptions.push_back(subscription_of(each));
    for (const auto& [key, value] : object_at(*json, "mqTable").items())
        info.queues.push_back(process_queue_of(key, value));
    return info;
}

}  // namespace posthorn::wire::remoting
