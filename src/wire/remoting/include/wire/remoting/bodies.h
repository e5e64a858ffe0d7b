#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/remoting/header.h"
#include "wire/remoting/heartbeat.h"
#include "wire/remoting/message_queue.h"

// JSON bodies of consumer and administration requests, one writer or parser each, appended to a buffer that
// may be the body of a `FrameWriter`. Parsers are lenient: members nobody knows are passed over, missing ones
// have the defaults below, a body that is no JSON object is `Errc::invalid`. Heartbeats and routes have files
// of their own.
//
// Where Java keys a map by a queue, the body is not JSON proper:
// `{{"brokerName":"b","queueId":0,"topic":"t"}:5}`. Java needs exactly that, so it is written so here, and
// read.

namespace posthorn::wire::remoting {

// ---- queues and offsets

/// LOCK_BATCH_MQ (41), UNLOCK_BATCH_MQ (42).
struct LockBatch {
    std::string group;
    std::string client_id;
    bool only_this_broker = false;
    std::vector<MessageQueue> queues;
};
Result<LockBatch> parse_lock_batch(Bytes body);
void write_lock_result(Buffer& out, const std::vector<MessageQueue>& locked);

using QueueOffsets = std::map<MessageQueue, std::int64_t>;

/// The answer to INVOKE_BROKER_TO_RESET_OFFSET (222) and the push RESET_CONSUMER_CLIENT_OFFSET (220) to a
/// client that is not C++.
void write_reset_offset(Buffer& out, const QueueOffsets& offsets);
/// The same push to the C++ client: a list of {brokerName, offset, queueId, topic}.
void write_reset_offset_for_c(Buffer& out, const QueueOffsets& offsets);
/// Either form.
Result<QueueOffsets> parse_reset_offset(Bytes body);

/// A client's answer to GET_CONSUMER_STATUS_FROM_CLIENT (221), and what INVOKE_BROKER_TO_GET_CONSUMER_STATUS
/// (223) makes of several, by client id.
Result<QueueOffsets> parse_consumer_status(Bytes body);
void write_consumer_status(Buffer& out, const std::map<std::string, QueueOffsets>& clients);

/// GET_ALL_CONSUMER_OFFSET (43): "topic@group" to queue id to offset.
void write_consumer_offsets(Buffer& out,
                            const std::map<std::string, std::map<std::int32_t, std::int64_t>>& offsets);

// ---- figures

/// GET_TOPIC_STATS_INFO (202).
struct TopicOffset {
    std::int64_t min_offset = 0;
    std::int64_t max_offset = 0;
    std::int64_t last_update_ms = 0;
};
void write_topic_stats(Buffer& out, const std::map<MessageQueue, TopicOffset>& queues, double put_tps = 0);

/// GET_CONSUME_STATS (208).
struct ConsumeOffset {
    std::int64_t broker_offset = 0;
    std::int64_t consumer_offset = 0;
    std::int64_t pull_offset = 0;
    std::int64_t last_ms = 0;
};
struct ConsumeStats {
    std::map<MessageQueue, ConsumeOffset> queues;
    double tps = 0;
};
void write_consume_stats(Buffer& out, const ConsumeStats& stats);

/// GET_BROKER_CONSUME_STATS (317): of every group, one entry per topic.
struct GroupConsumeStats {
    std::string group;
    std::vector<ConsumeStats> topics;
};
void write_broker_consume_stats(Buffer& out, const std::string& broker_address,
                                const std::vector<GroupConsumeStats>& groups);

/// QUERY_CONSUME_QUEUE (321): entries of one queue's index.
struct ConsumeQueue {
    struct Entry {
        std::int64_t physical_offset = 0;
        std::int32_t size = 0;
        std::int64_t tag_code = 0;
    };
    std::vector<Entry> entries;
    std::int64_t min_index = 0;
    std::int64_t max_index = 0;
    std::string filter_text;                         ///< said when a group was asked for; empty is left out
    const SubscriptionData* subscription = nullptr;  ///< of that group, if it is online
};
void write_consume_queue(Buffer& out, const ConsumeQueue& queue);

/// VIEW_BROKER_STATS_DATA (315).
struct BrokerStatsItem {
    std::int64_t sum = 0;
    double tps = 0;
    double average_per_put = 0;
};
void write_broker_stats(Buffer& out, const BrokerStatsItem& minute, const BrokerStatsItem& hour,
                        const BrokerStatsItem& day);

/// GET_BROKER_RUNTIME_INFO (28) and GET_KVLIST_BY_NAMESPACE (219): a table of texts, in the given order.
void write_kv_table(Buffer& out, const std::vector<std::pair<std::string, std::string>>& table);
Result<std::map<std::string, std::string>> parse_kv_table(Bytes body);

// ---- topics and groups

/// DataVersion of a table: changes whenever the table does.
struct DataVersion {
    std::int64_t timestamp_ms = 0;
    std::int64_t counter = 0;
    std::int64_t state_version = 0;
};

struct TopicConfig {
    std::string name;
    std::int32_t read_queues = 0;
    std::int32_t write_queues = 0;
    std::int32_t perm = 6;
    std::int32_t sys_flag = 0;
    bool order = false;
    bool multi_tag = false;
    std::map<std::string, std::string> attributes;  ///< of 5.x; in a request each key begins with + or -
};
/// Body of UPDATE_AND_CREATE_TOPIC_LIST (18). What a topic does not say has the original's defaults, 16
/// queues among them. Fails also when a topic has no name.
Result<std::vector<TopicConfig>> parse_topic_configs(Bytes body);
/// GET_TOPIC_CONFIG (351) and GET_ALL_TOPIC_CONFIG (21).
void write_topic_config(Buffer& out, const TopicConfig& topic);
void write_topic_configs(Buffer& out, const std::vector<TopicConfig>& topics, const DataVersion& version);

/// Body of UPDATE_AND_CREATE_SUBSCRIPTIONGROUP (200); the defaults are RocketMQ's.
struct SubscriptionGroup {
    std::string name;
    bool consume_enable = true;
    bool consume_from_min_enable = true;
    bool consume_broadcast_enable = true;
    bool consume_orderly = false;
    std::int32_t retry_queues = 1;
    std::int32_t retry_max_times = 16;
    std::int64_t broker_id = 0;
    std::int64_t broker_when_slow = 1;
    bool notify_consumer_ids_changed = true;
    std::int32_t sys_flag = 0;
    std::int32_t consume_timeout_minutes = 15;
    std::map<std::string, std::string> attributes;
};
/// Fails also when the group has no name.
Result<SubscriptionGroup> parse_subscription_group(Bytes body);
/// Body of UPDATE_AND_CREATE_SUBSCRIPTIONGROUP_LIST (225).
Result<std::vector<SubscriptionGroup>> parse_subscription_groups(Bytes body);
/// GET_SUBSCRIPTIONGROUP_CONFIG (352) and GET_ALL_SUBSCRIPTIONGROUP_CONFIG (201).
void write_subscription_group(Buffer& out, const SubscriptionGroup& group);
void write_subscription_groups(Buffer& out, const std::vector<SubscriptionGroup>& groups,
                               const DataVersion& version);

/// QUERY_TOPIC_CONSUME_BY_WHO (300).
void write_group_list(Buffer& out, const std::vector<std::string>& groups);

// ---- clients

/// GET_CONSUMER_LIST_BY_GROUP (38).
void write_consumer_list(Buffer& out, const std::vector<std::string>& client_ids);

struct Connection {
    std::string client_id;
    std::string address;
    Language language = Language::other;
    std::int32_t version = 0;
};
/// GET_PRODUCER_CONNECTION_LIST (204).
void write_producer_connections(Buffer& out, const std::vector<Connection>& connections);

/// GET_CONSUMER_CONNECTION_LIST (203).
struct ConsumerConnections {
    std::vector<Connection> connections;
    std::vector<SubscriptionData> subscriptions;
    ConsumeType type = ConsumeType::passively;
    MessageModel model = MessageModel::clustering;
    ConsumeFrom from = ConsumeFrom::last_offset;
};
void write_consumer_connections(Buffer& out, const ConsumerConnections& consumers);

/// A client's answer to GET_CONSUMER_RUNNING_INFO (307), as far as a broker looks into what it relays.
struct ConsumerRunningInfo {
    std::map<std::string, std::string> properties;
    std::vector<SubscriptionData> subscriptions;
    struct ProcessQueue {
        MessageQueue queue;
        std::int64_t commit_offset = 0;
        std::int64_t cached_messages = 0;
        bool locked = false;
        std::int64_t last_pull_ms = 0;
        std::int64_t last_consume_ms = 0;
    };
    std::vector<ProcessQueue> queues;
};
Result<ConsumerRunningInfo> parse_consumer_running_info(Bytes body);

}  // namespace posthorn::wire::remoting
