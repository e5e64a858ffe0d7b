#include "wire/remoting/route.h"

#include "json_reader.h"
#include "json_writer.h"
#include "wire/remoting/header.h"

namespace posthorn::wire::remoting {
namespace {

void write_queue(JsonWriter& json, const QueueData& queue) {
    json.begin_object();
    json.member("brokerName", queue.broker_name);
    json.member("perm", queue.perm);
    json.member("readQueueNums", queue.read_queues);
    json.member("topicSynFlag", queue.sys_flag);  // its name in older clients
    json.member("topicSysFlag", queue.sys_flag);
    json.member("writeQueueNums", queue.write_queues);
    json.end_object();
}

void write_broker(JsonWriter& json, const BrokerData& broker) {
    json.begin_object();
    json.key("brokerAddrs");
    json.begin_object();
    for (const auto& [id, address] : broker.addresses)
        json.member(std::to_string(id), address);
    json.end_object();
    json.member("brokerName", broker.broker_name);
    json.member("cluster", broker.cluster);
    json.member("enableActingMaster", false);
    json.end_object();
}

QueueData queue_data_of(const Json& object) {
    QueueData queue;
    queue.broker_name = text_at(object, "brokerName");
    queue.read_queues = int32_at(object, "readQueueNums");
    queue.write_queues = int32_at(object, "writeQueueNums");
    queue.perm = int32_at(object, "perm");
    queue.sys_flag = int32_at(object, "topicSysFlag", int32_at(object, "topicSynFlag"));
    return queue;
}

BrokerData broker_data_of(const Json& object) {
    BrokerData broker;
    broker.cluster = text_at(object, "cluster");
    broker.broker_name = text_at(object, "brokerName");
    for (const auto& [id, address] : object_at(object, "brokerAddrs").items()) {
        const auto number = parse_int64(id);
        if (number.ok() && address.is_string()) broker.addresses[number.value] = address.get<std::string>();
    }
    return broker;
}

}  // namespace

void write_route(Buffer& out, const TopicRoute& route) {
    JsonWriter json(out);
    json.begin_object();
    json.key("brokerDatas");
    json.begin_list();
    for (const BrokerData& each : route.brokers)
        write_broker(json, each);
    json.end_list();
    json.key("filterServerTable");
    json.begin_object();
    json.end_object();
    if (!route.order_conf.empty()) json.member("orderTopicConf", route.order_conf);
    json.key("queueDatas");
    json.begin_list();
    for (const QueueData& each : route.queues)
        write_queue(json, each);
    json.end_list();
    json.end_object();
}

Result<TopicRoute> parse_route(Bytes body) {
    auto json = parse_body(body, "topic route");
    if (!json) return json.error();
    TopicRoute route;
    route.order_conf = text_at(*json, "orderTopicConf");
    for (const Json& each : list_at(*json, "queueDatas"))
        route.queues.push_back(queue_data_of(each));
    for (const Json& each : list_at(*json, "brokerDatas"))
        route.brokers.push_back(broker_data_of(each));
    return route;
}

void write_cluster_info(Buffer& out, const ClusterInfo& info) {
    JsonWriter json(out);
    json.begin_object();
    json.key("brokerAddrTable");
    json.begin_object();
    for (const BrokerData& each : info.brokers) {
        json.key(each.broker_name);
        write_broker(json, each);
    }
    json.end_object();
    json.key("clusterAddrTable");
    json.begin_object();
    for (const auto& [cluster, names] : info.clusters)
        json.list(cluster, names);
    json.end_object();
    json.end_object();
}

void write_topic_list(Buffer& out, const std::vector<std::string>& topics, std::string_view broker_address) {
    JsonWriter json(out);
    json.begin_object();
    if (!broker_address.empty()) json.member("brokerAddr", broker_address);
    json.list("topicList", topics);
    json.end_object();
}

}  // namespace posthorn::wire::remoting
