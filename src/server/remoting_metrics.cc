#include "remoting_metrics.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "api/rocketmq_labels.h"
#include "gateway/remoting/server.h"
#include "wire/remoting/version.h"

namespace posthorn::server {
namespace {

using api::Exposition;
using api::MetricKind;
using api::true_false;
using gateway::remoting::ClientInfo;
using gateway::remoting::GroupTraffic;
using gateway::remoting::RemotingServer;
using gateway::remoting::RequestCounts;
using gateway::remoting::TopicTraffic;

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

void topics(const RemotingServer& server, Exposition& out) {
    const auto family = [&](std::string_view name, std::string_view help,
                            std::uint64_t TopicTraffic::*value) {
        out.family(name, MetricKind::counter, help);
        server.each_topic([&](const TopicTraffic& topic) {
            out.sample({{"topic", topic.topic},
                        {"message_type", "normal"},
                        {"is_system", true_false(api::is_system_topic(topic.topic))}},
                       static_cast<double>(topic.*value));
        });
    };
    family("rocketmq_messages_in_total", "Messages sent to a topic", &TopicTraffic::messages_in);
    family("rocketmq_throughput_in_total", "Bytes sent to a topic", &TopicTraffic::bytes_in);

    using gateway::remoting::kMessageSizeBuckets;
    std::array<double, kMessageSizeBuckets.size()> bounds{};
    std::copy(kMessageSizeBuckets.begin(), kMessageSizeBuckets.end(), bounds.begin());
    out.family("rocketmq_message_size", MetricKind::histogram, "Bytes of messages sent to a topic");
    server.each_topic([&](const TopicTraffic& topic) {
        out.histogram({{"topic", topic.topic},
                       {"message_type", "normal"},
                       {"is_system", true_false(api::is_system_topic(topic.topic))}},
                      bounds, topic.sizes, static_cast<double>(topic.bytes_in));
    });
}

void groups(const RemotingServer& server, Exposition& out) {
    const auto family = [&](std::string_view name, std::string_view help,
                            std::uint64_t GroupTraffic::*value) {
        out.family(name, MetricKind::counter, help);
        server.each_group([&](const GroupTraffic& group) {
            const bool system = api::is_system_topic(group.topic) || api::is_system_group(group.group);
            out.sample({{"topic", group.topic},
                        {"consumer_group", group.group},
                        {"is_retry", true_false(api::is_retry_topic(group.topic))},
                        {"is_system", true_false(system)}},
                       static_cast<double>(group.*value));
        });
    };
    family("rocketmq_messages_out_total", "Messages handed to a group", &GroupTraffic::messages_out);
    family("rocketmq_throughput_out_total", "Bytes handed to a group", &GroupTraffic::bytes_out);
    family("rocketmq_send_to_dlq_messages_total", "Messages a group gave up on", &GroupTraffic::dead_letters);
    family("posthorn_sent_back_total", "Messages a group sent back to try again later",
           &GroupTraffic::sent_back);
}

void requests(const RemotingServer& server, Exposition& out) {
    using gateway::remoting::kLatencyBucketsMs;
    std::array<double, kLatencyBucketsMs.size()> bounds{};
    std::copy(kLatencyBucketsMs.begin(), kLatencyBucketsMs.end(), bounds.begin());
    out.family("rocketmq_rpc_latency", MetricKind::histogram,
               "Milliseconds from a request's arrival to its answer; a pull counts its wait for messages");
    server.each_request([&](const RequestCounts& request) {
        out.histogram({{"protocol_type", "remoting"}, {"request_code", lower(request.name)}}, bounds,
                      request.latency, static_cast<double>(request.total_ns) / 1e6);
    });
    out.family("posthorn_requests_failed_total", MetricKind::counter, "Requests answered with an error");
    server.each_request([&](const RequestCounts& request) {
        out.sample({{"request_code", lower(request.name)}}, static_cast<double>(request.failed));
    });
}

/// Clients by what distinguishes them in the original's metrics; how many of each.
void clients(const RemotingServer& server, Exposition& out) {
    using Key = std::tuple<bool, std::string, std::string, std::string, std::string>;
    std::map<Key, std::size_t> count;
    for (const ClientInfo& client : server.clients())
        ++count[{client.consumer, client.consumer ? client.group : std::string(), lower(client.language),
                 lower(wire::remoting::version_name(client.version)), std::string(client.consume_mode)}];

    out.family("rocketmq_producer_connections", MetricKind::gauge, "Producers connected");
    for (const auto& [key, clients] : count) {
        const auto& [consumer, group, language, version, type] = key;
        if (!consumer)
            out.sample({{"language", language}, {"version", version}, {"protocol_type", "remoting"}},
                       static_cast<double>(clients));
    }
    out.family("rocketmq_consumer_connections", MetricKind::gauge, "Consumers connected");
    for (const auto& [key, clients] : count) {
        const auto& [consumer, group, language, version, type] = key;
        if (consumer)
            out.sample({{"consumer_group", group},
                        {"language", language},
                        {"version", version},
                        {"consume_mode", type},
                        {"protocol_type", "remoting"},
                        {"is_system", true_false(api::is_system_group(group))}},
                       static_cast<double>(clients));
    }
}

void connections(const RemotingServer& server, Exposition& out) {
    const auto counters = server.counters();
    const auto gauge = [&](std::string_view name, std::string_view help, std::uint64_t value) {
        out.gauge(name, help, static_cast<double>(value));
    };
    const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
        out.counter(name, help, static_cast<double>(value));
    };
    out.family("rocketmq_processor_watermark", MetricKind::gauge, "Requests that wait for their turn");
    out.sample({{"processor", "send"}}, static_cast<double>(counters.pending_sends));

    gauge("posthorn_connections", "RocketMQ connections open", counters.connections);
    gauge("posthorn_held_pulls", "Pulls waiting for messages", counters.held_pulls);
    counter("posthorn_connections_accepted_total", "RocketMQ connections accepted", counters.accepted);
    out.family("posthorn_connections_ended_total", MetricKind::counter, "RocketMQ connections ended by us");
    out.sample({{"reason", "limit"}}, static_cast<double>(counters.refused_connections));
    out.sample({{"reason", "idle"}}, static_cast<double>(counters.idle_closed));
    out.sample({{"reason", "never_reads"}}, static_cast<double>(counters.overflow_closed));
    counter("posthorn_received_bytes_total", "Bytes received from RocketMQ clients", counters.bytes_in);
    counter("posthorn_sent_bytes_total", "Bytes sent to RocketMQ clients", counters.bytes_out);
    out.family("posthorn_bad_frames_total", MetricKind::counter, "Frames that were refused");
    out.sample({{"reason", "frame"}}, static_cast<double>(counters.malformed_frames));
    out.sample({{"reason", "header"}}, static_cast<double>(counters.malformed_headers));
    out.sample({{"reason", "unknown_request"}}, static_cast<double>(counters.unknown_requests));
    counter("posthorn_sends_broken_total", "Sends whose write or sync failed", counters.sends_broken);
    counter("posthorn_busy_refusals_total", "Requests refused because a limit was reached",
            counters.busy_refusals);
    counter("posthorn_expired_clients_total", "Clients whose heartbeats stopped", counters.expired_clients);
}

}  // namespace

api::MetricSource remoting_metrics(const RemotingServer& server) {
    return [&server](Exposition& out) {
        topics(server, out);
        groups(server, out);
        requests(server, out);
        clients(server, out);
        connections(server, out);
    };
}

}  // namespace posthorn::server
