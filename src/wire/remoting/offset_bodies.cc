// Bodies about queues, offsets and figures.

#include "json_reader.h"
#include "json_writer.h"
#include "subscription_json.h"
#include "wire/remoting/bodies.h"

namespace posthorn::wire::remoting {
namespace {

void write_offsets(JsonWriter& json, const QueueOffsets& offsets) {
    json.begin_object();
    for (const auto& [queue, offset] : offsets) {
        json.key(queue);
        json.value(offset);
    }
    json.end_object();
}

QueueOffsets offsets_of(const Json& table) {
    QueueOffsets offsets;
    for (const auto& [key, value] : table.items())
        if (value.is_number_integer()) offsets[queue_of_key(key)] = value.get<std::int64_t>();
    return offsets;
}

void write_stats_item(JsonWriter& json, const char* name, const BrokerStatsItem& item) {
    json.key(name);
    json.begin_object();
    json.member("avgpt", item.average_per_put);
    json.member("sum", item.sum);
    json.member("tps", item.tps);
    json.end_object();
}

void write_stats(JsonWriter& json, const ConsumeStats& stats) {
    json.begin_object();
    json.member("consumeTps", stats.tps);
    json.key("offsetTable");
    json.begin_object();
    for (const auto& [queue, offset] : stats.queues) {
        json.key(queue);
        json.begin_object();
        json.member("brokerOffset", offset.broker_offset);
        json.member("consumerOffset", offset.consumer_offset);
        json.member("lastTimestamp", offset.last_ms);
        json.member("pullOffset", offset.pull_offset);
        json.end_object();
    }
    json.end_object();
    json.end_object();
}

}  // namespace

Result<LockBatch> parse_lock_batch(Bytes body) {
    auto json = parse_body(body, "queue lock request");
    if (!json) return json.error();
    LockBatch lock{
        text_at(*json, "consumerGroup"), text_at(*json, "clientId"), bool_at(*json, "onlyThisBroker"), {}};
    for (const Json& each : list_at(*json, "mqSet"))
        lock.queues.push_back(queue_of(each));
    return lock;
}

void write_lock_result(Buffer& out, const std::vector<MessageQueue>& locked) {
    JsonWriter json(out);
    json.begin_object();
    json.list("lockOKMQSet", locked);
    json.end_object();
}

void write_reset_offset(Buffer& out, const QueueOffsets& offsets) {
    JsonWriter json(out);
    json.begin_object();
    json.key("offsetTable");
    write_offsets(json, offsets);
    json.end_object();
}

void write_reset_offset_for_c(Buffer& out, const QueueOffsets& offsets) {
    JsonWriter json(out);
    json.begin_object();
    json.key("offsetTable");
    json.begin_list();
    for (const auto& [queue, offset] : offsets) {
        json.begin_object();
        json.member("brokerName", queue.broker_name);
        json.member("offset", offset);
        json.member("queueId", queue.queue_id);
        json.member("topic", queue.topic);
        json.end_object();
    }
    json.end_list();
    json.end_object();
}

Result<QueueOffsets> parse_reset_offset(Bytes body) {
    auto json = parse_body(body, "offset reset");
    if (!json) return json.error();
    QueueOffsets offsets = offsets_of(object_at(*json, "offsetTable"));
    for (const Json& each : list_at(*json, "offsetTable"))
        offsets[queue_of(each)] = int64_at(each, "offset");
    return offsets;
}

Result<QueueOffsets> parse_consumer_status(Bytes body) {
    auto json = parse_body(body, "consumer status");
    if (!json) return json.error();
    return offsets_of(object_at(*json, "messageQueueTable"));
}

void write_consumer_status(Buffer& out, const std::map<std::string, QueueOffsets>& clients) {
    JsonWriter json(out);
    json.begin_object();
    json.key("consumerTable");
    json.begin_object();
    for (const auto& [client, offsets] : clients) {
        json.key(client);
        write_offsets(json, offsets);
    }
    json.end_object();
    json.end_object();
}

void write_consumer_offsets(Buffer& out,
                            const std::map<std::string, std::map<std::int32_t, std::int64_t>>& offsets) {
    JsonWriter json(out);
    json.begin_object();
    json.key("offsetTable");
    json.begin_object();
    for (const auto& [topic_at_group, queues] : offsets) {
        json.key(topic_at_group);
        json.begin_object();
        for (const auto& [queue, offset] : queues)
            json.member(std::to_string(queue), offset);
        json.end_object();
    }
    json.end_object();
    json.end_object();
}

void write_topic_stats(Buffer& out, const std::map<MessageQueue, TopicOffset>& queues, double put_tps) {
    JsonWriter json(out);
    json.begin_object();
    json.key("offsetTable");
    json.begin_object();
    for (const auto& [queue, offset] : queues) {
        json.key(queue);
        json.begin_object();
        json.member("lastUpdateTimestamp", offset.last_update_ms);
        json.member("maxOffset", offset.max_offset);
        json.member("minOffset", offset.min_offset);
        json.end_object();
    }
    json.end_object();
    json.member("topicPutTps", put_tps);
    json.end_object();
}

void write_consume_stats(Buffer& out, const ConsumeStats& stats) {
    JsonWriter json(out);
    write_stats(json, stats);
}

void write_broker_consume_stats(Buffer& out, const std::string& broker_address,
                                const std::vector<GroupConsumeStats>& groups) {
    std::int64_t behind = 0, in_flight = 0;
    JsonWriter json(out);
    json.begin_object();
    json.member("brokerAddr", broker_address);
    json.key("consumeStatsList");
    json.begin_list();
    for (const GroupConsumeStats& group : groups) {
        json.begin_object();
        json.key(group.group);
        json.begin_list();
        for (const ConsumeStats& stats : group.topics) {
            write_stats(json, stats);
            for (const auto& [queue, offset] : stats.queues) {
                behind += offset.broker_offset - offset.consumer_offset;
                in_flight += offset.pull_offset - offset.consumer_offset;
            }
        }
        json.end_list();
        json.end_object();
    }
    json.end_list();
    json.member("totalDiff", behind);
    json.member("totalInflightDiff", in_flight);
    json.end_object();
}

void write_consume_queue(Buffer& out, const ConsumeQueue& queue) {
    JsonWriter json(out);
    json.begin_object();
    if (!queue.filter_text.empty()) json.member("filterData", queue.filter_text);
    json.member("maxQueueIndex", queue.max_index);
    json.member("minQueueIndex", queue.min_index);
    json.key("queueData");
    json.begin_list();
    for (const ConsumeQueue::Entry& entry : queue.entries) {
        json.begin_object();
        json.member("eval", false);
        json.member("physicOffset", entry.physical_offset);
        json.member("physicSize", entry.size);
        json.member("tagsCode", entry.tag_code);
        json.end_object();
    }
    json.end_list();
    if (queue.subscription) {
        json.key("subscriptionData");
        write_subscription(json, *queue.subscription);
    }
    json.end_object();
}

void write_broker_stats(Buffer& out, const BrokerStatsItem& minute, const BrokerStatsItem& hour,
                        const BrokerStatsItem& day) {
    JsonWriter json(out);
    json.begin_object();
    write_stats_item(json, "statsDay", day);
    write_stats_item(json, "statsHour", hour);
    write_stats_item(json, "statsMinute", minute);
    json.end_object();
}

void write_kv_table(Buffer& out, const std::vector<std::pair<std::string, std::string>>& table) {
    JsonWriter json(out);
    json.begin_object();
    json.key("table");
    json.begin_object();
    for (const auto& [key, value] : table)
        json.member(key, value);
    json.end_object();
    json.end_object();
}

Result<std::map<std::string, std::string>> parse_kv_table(Bytes body) {
    auto json = parse_body(body, "table");
    if (!json) return json.error();
    std::map<std::string, std::string> table;
    const Json& entries = object_at(*json, "table");
    for (const auto& [key, value] : entries.items())
        table[key] = text_at(entries, key.c_str());
    return table;
}

}  // namespace posthorn::wire::remoting
