#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace posthorn::gateway::remoting {

/// The fixed delays a message can ask for by number (property DELAY), level 1 first, in milliseconds.
using DelayLevels = std::vector<std::int64_t>;

/// "1s 5s 10s 1m 2h 1d", as the original's messageDelayLevel.
[[nodiscard]] Result<DelayLevels> parse_delay_levels(std::string_view text);
inline constexpr std::string_view kDefaultDelayLevels =
    "1s 5s 10s 30s 1m 2m 3m 4m 5m 6m 7m 8m 9m 10m 20m 30m 1h 2h";

/// What one remoting server is and how much it takes. The original's names stand beside ours where it has
/// one, because people know those.
struct RemotingOptions {
    std::string bind_address = "127.0.0.1";
    std::uint16_t name_service_port = 9876;  ///< 0 takes a free one, as for the others
    std::uint16_t broker_port = 10911;       ///< listenPort
    std::uint16_t vip_port = 10909;          ///< same protocol, for clients up to 4.4 and old tools
    bool vip = true;

    /// brokerIP1: the IPv4 address clients are told to come to. Empty: the one each client came to, which
    /// works behind a container's or a cloud's address translation as long as the ports are the same.
    std::string advertised_host;
    std::uint16_t advertised_port = 0;            ///< 0: the port we listen on
    std::string cluster_name = "DefaultCluster";  ///< brokerClusterName
    std::string broker_name = "posthorn-a";       ///< brokerName
    std::string region = "DefaultRegion";         ///< regionId
    bool trace_on = true;                         ///< traceOn: clients that trace may

    std::uint32_t message_max_bytes = 4u << 20;  ///< maxMessageSize: of a body; the engine may take less
    bool auto_create_topics = true;              ///< autoCreateTopicEnable
    bool auto_create_groups = true;              ///< autoCreateSubscriptionGroup
    std::uint32_t default_topic_queues = 8;      ///< defaultTopicQueueNums: of the template TBW102
    bool cluster_topic = true;                   ///< clusterTopicEnable
    bool broker_topic = true;                    ///< brokerTopicEnable
    /// orderMessageEnable of the name service: routes carry what updateOrderConf set.
    bool order_topics = false;
    DelayLevels delay_levels = *parse_delay_levels(kDefaultDelayLevels);  ///< messageDelayLevel

    /// A client that has not sent a heartbeat for so long is gone (they send one every 30 s).
    std::chrono::milliseconds client_timeout{120'000};
    /// A connection without a byte for so long is closed: half-open ones go, clients have heartbeats.
    std::chrono::milliseconds idle_timeout{120'000};
    /// A queue lock of an orderly consumer; it renews every 20 s and distrusts its own after 30 s.
    std::chrono::milliseconds queue_lock_timeout{60'000};
    /// Answer of a client that is asked on behalf of a tool; the original waits as long.
    std::chrono::milliseconds relay_timeout{10'000};
    /// A held pull is answered after what it asked for, at most this: clients give up after 30 s themselves.
    std::chrono::milliseconds pull_hold_max{60'000};
    /// Share of the machine's memory from which a message is "not in memory" for the rule that a new group
    /// starts at 0 while all is young (accessMessageInMemoryMaxRatio).
    double in_memory_ratio = 0.40;

    std::size_t connections_max = 100'000;  ///< a quarter of the file descriptors a usual system allows
    /// Sends whose reply waits for the disk, over all connections. A tick's worth under async flush, a sync's
    /// worth under sync flush: far below this. One takes 96 bytes.
    std::size_t pending_sends_max = 262'144;
    /// Pulls one connection may have waiting: one per queue its consumers read. One takes 200 bytes.
    std::size_t held_pulls_per_session_max = 16'384;
    std::size_t held_pulls_max = 400'000;  ///< over all connections; as many as there may be queues
    /// Requests that wait for the disk: cold messages looked at one by one. A tool, or consumers that send
    /// back a backlog; the disk serves a few at a time.
    std::size_t parked_calls_max = 1'024;
    std::size_t parked_call_bytes_max = 16 * 1024;  ///< of one; they name a message, they do not carry one
    std::size_t kv_entries_max =
        10'000;  ///< of the name service's KV config; kept for good, so it has an end
    std::size_t kv_bytes_max = 64 * 1024;       ///< of one entry, with its names
    std::size_t relayed_max = 1'024;            ///< questions of tools waiting for a client
    std::size_t groups_per_client_max = 1'024;  ///< of one connection; a typing loop would not stop at this
    std::size_t heartbeat_bytes_max = std::size_t{1} << 20;  ///< thousands of subscriptions; they are kept
    /// Topics and groups of topics with figures of the last minute, hour and day (statsAll): the active ones
    /// of a large broker. One takes 950 bytes.
    std::size_t sampled_flows_max = 20'000;
    std::size_t queue_locks_max = 400'000;      ///< of orderly groups; as many as there may be queues
    std::uint32_t pull_messages_max = 1'024;    ///< however many a pull asks for
    std::uint32_t pull_bytes_max = 256 * 1024;  ///< the original's cap for messages in memory
    std::size_t output_high_bytes = std::size_t{1} << 20;    ///< a client that does not read is not read
    std::size_t output_limit_bytes = std::size_t{64} << 20;  ///< and closed at this

    /// Text of the configuration in force, "key=value" lines, for the tools that show it (26). The
    /// composition root knows more than this room does.
    std::vector<std::pair<std::string, std::string>> shown_config;
};

}  // namespace posthorn::gateway::remoting
