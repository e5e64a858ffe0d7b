#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace posthorn::wire::remoting {

/// Bits of a topic's permission.
inline constexpr std::int32_t kPermInherit = 1;
inline constexpr std::int32_t kPermWrite = 2;
inline constexpr std::int32_t kPermRead = 4;
inline constexpr std::int32_t kPermPriority = 8;

/// A topic's queues on one broker.
struct QueueData {
    std::string broker_name;
    std::int32_t read_queues = 0;
    std::int32_t write_queues = 0;
    std::int32_t perm = 0;
    std::int32_t sys_flag = 0;
};

struct BrokerData {
    std::string cluster;
    std::string broker_name;
    std::map<std::int64_t, std::string> addresses;  ///< broker id (0 is the master) to "ip:port"
};

/// Body of the answer to GET_ROUTEINFO_BY_TOPIC (105).
struct TopicRoute {
    std::string order_conf;  ///< "broker:queues;...", empty for none
    std::vector<QueueData> queues;
    std::vector<BrokerData> brokers;
};

/// Map keys are quoted, as strict readers need and all others take; old Java brokers wrote bare numbers,
/// which `parse_route` takes too.
void write_route(Buffer& out, const TopicRoute& route);
Result<TopicRoute> parse_route(Bytes body);

/// Body of the answer to GET_BROKER_CLUSTER_INFO (106).
struct ClusterInfo {
    std::vector<BrokerData> brokers;
    std::map<std::string, std::vector<std::string>> clusters;  ///< cluster to broker names
};
void write_cluster_info(Buffer& out, const ClusterInfo& info);

/// Body of every answer that lists topics (206, 224, 304, 305, 311-313).
void write_topic_list(Buffer& out, const std::vector<std::string>& topics,
                      std::string_view broker_address = {});

}  // namespace posthorn::wire::remoting
