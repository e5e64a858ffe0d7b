#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "gateway/remoting/options.h"
#include "model/ids.h"

namespace posthorn::broker {
class Broker;
}
namespace posthorn::runtime {
class Loop;
}

namespace posthorn::gateway::remoting {

/// Upper bounds of the latency buckets in milliseconds, as RocketMQ 5's rocketmq_rpc_latency has them; one
/// more bucket takes the rest.
inline constexpr std::array<int, 9> kLatencyBucketsMs{1, 3, 5, 7, 10, 100, 1'000, 2'000, 3'000};

/// Of one request code: from the arrival of its bytes to its reply in the output. A pull that waited for
/// messages counts its wait.
struct RequestCounts {
    std::int32_t code = 0;
    std::string_view name;  ///< RocketMQ's own, "SEND_MESSAGE_V2"
    std::uint64_t requests = 0;
    std::uint64_t failed = 0;  ///< answered with a code that is no success and no ordinary "nothing there"
    std::uint64_t total_ns = 0;
    std::array<std::uint64_t, kLatencyBucketsMs.size() + 1> latency{};
};

/// Upper bounds of the message sizes in bytes, as RocketMQ 5's rocketmq_message_size has them; one more
/// bucket takes the rest.
inline constexpr std::array<std::uint64_t, 6> kMessageSizeBuckets{1u << 10, 4u << 10, 512u << 10,
                                                                  1u << 20, 2u << 20, 4u << 20};
using MessageSizes = std::array<std::uint64_t, kMessageSizeBuckets.size() + 1>;

struct TopicTraffic {
    std::string topic;
    std::uint64_t messages_in = 0, bytes_in = 0;
    MessageSizes sizes{};  ///< messages by size; those of a batch count with their mean, as in the original
};

struct GroupTraffic {
    std::string group, topic;
    std::uint64_t messages_out = 0, bytes_out = 0;
    std::uint64_t sent_back = 0, dead_letters = 0;
};

struct ClientInfo {
    std::string group, client_id, address;
    std::string_view language;
    std::int32_t version = 0;
    bool consumer = false;
    std::string_view consume_mode;  ///< of consumers, as the original's metrics name it: "push", "pull"
};

struct RemotingCounters {
    std::uint64_t connections = 0;  ///< now
    std::uint64_t accepted = 0, refused_connections = 0, idle_closed = 0, overflow_closed = 0;
    std::uint64_t bytes_in = 0, bytes_out = 0;
    std::uint64_t malformed_frames = 0, malformed_headers = 0;     ///< each closed its connection
    std::uint64_t unknown_requests = 0;                            ///< answered "not supported"
    std::uint64_t held_pulls = 0, pending_sends = 0, relayed = 0;  ///< now
    std::uint64_t sends_broken = 0;   ///< stored in memory, but the write or sync failed: told the client so
    std::uint64_t busy_refusals = 0;  ///< a limit of `RemotingOptions` was reached
    std::uint64_t sent_back = 0, dead_letters = 0;
    std::uint64_t expired_clients = 0;
};

/// RocketMQ 4.x over remoting on one broker: the name service, the broker and its VIP twin are three doors to
/// the same sessions (their request codes do not collide, so any door answers any request).
///
/// Runs on the engine's thread. The composition root calls `after_tick()` right after every
/// `Broker::end_tick()`: that is when replies to sends become true.
class RemotingServer {
  public:
    RemotingServer(runtime::Loop& loop, broker::Broker& broker, RemotingOptions options);
    ~RemotingServer();  ///< closes; before the broker and the loop go
    RemotingServer(const RemotingServer&) = delete;
    RemotingServer& operator=(const RemotingServer&) = delete;

    /// Makes the original's system topics and groups if they are not there, and opens the ports. Nothing is
    /// open when it fails.
    Result<void> listen();
    void after_tick();
    /// Stops listening, then closes every connection. Sends that wait for the disk are not answered: clients
    /// try again, as after any lost connection.
    void close();

    /// As they came out where 0 was asked for.
    std::uint16_t name_service_port() const;
    std::uint16_t broker_port() const;
    std::uint16_t vip_port() const;  ///< 0 without VIP twin

    RemotingCounters counters() const;
    /// Codes that were asked at least once.
    void each_request(const std::function<void(const RequestCounts&)>& visit) const;
    void each_topic(const std::function<void(const TopicTraffic&)>& visit) const;
    void each_group(const std::function<void(const GroupTraffic&)>& visit) const;
    std::vector<ClientInfo> clients() const;
    /// Where the group's next pull of the topic's queue with this number begins; 0 when it has not pulled
    /// since the start.
    std::uint64_t pulled_to(model::GroupId group, model::TopicId topic, std::uint32_t queue) const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace posthorn::gateway::remoting
