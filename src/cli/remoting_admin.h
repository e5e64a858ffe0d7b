#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "remoting_connection.h"

namespace posthorn::cli {

/// The few questions a load program asks before it starts, of Posthorn or any other RocketMQ server. A
/// server's refusal is an error with its code and remark.

struct TopicRoute {
    std::string broker;  ///< address of the master of the first broker
    std::uint32_t read_queues = 0;
    std::uint32_t write_queues = 0;
};
Result<TopicRoute> find_route(const std::string& name_server, const std::string& topic);

/// Any broker the name server knows: by the route of the topic, else of TBW102, which every broker that
/// creates topics by itself announces.
Result<std::string> find_broker(const std::string& name_server, const std::string& topic);

Result<void> create_topic(RemotingConnection& broker, const std::string& topic, std::uint32_t queues);
Result<std::int64_t> min_offset(RemotingConnection& broker, const std::string& topic, std::uint32_t queue);
Result<std::int64_t> max_offset(RemotingConnection& broker, const std::string& topic, std::uint32_t queue);

}  // namespace posthorn::cli
