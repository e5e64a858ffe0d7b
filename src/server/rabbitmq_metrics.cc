#include "rabbitmq_metrics.h"

#include "gateways.h"

#if POSTHORN_WITH_AMQP

#include <sys/resource.h>

#include <algorithm>
#include <array>

#include "api/process_metrics.h"
#include "exchange/alarms.h"
#include "exchange/payload_codec.h"
#include "exchange/totals.h"
#include "exchange/virtual_host.h"
#include "gateway/amqp/server.h"

namespace posthorn::server {
namespace {

using api::Exposition;
using api::MetricKind;
using gateway::amqp::AmqpCounters;
using gateway::amqp::AmqpServer;

struct Writer {
    Exposition& out;
    void gauge(std::string_view name, std::string_view help, std::uint64_t value) const {
        out.gauge(name, help, static_cast<double>(value));
    }
    void counter(std::string_view name, std::string_view help, std::uint64_t value) const {
        out.counter(name, help, static_cast<double>(value));
    }
    /// The families that begin with rabbitmq_global_ say which protocol.
    void global(std::string_view name, MetricKind kind, std::string_view help, std::uint64_t value) const {
        out.family(name, kind, help);
        out.sample({{"protocol", "amqp091"}}, static_cast<double>(value));
    }
};

void identity(const Writer& to, const std::string& node, const std::string& version) {
    to.out.family("rabbitmq_build_info", MetricKind::gauge, "Whose names these are, and who tells them");
    to.out.sample({{"rabbitmq_version", version},
                   {"prometheus_plugin_version", version},
                   {"erlang_version", "none"},
                   {"posthorn_version", POSTHORN_VERSION}},
                  1);
    to.out.family("rabbitmq_identity_info", MetricKind::gauge, "Node and cluster");
    to.out.sample(
        {{"rabbitmq_node", node}, {"rabbitmq_cluster", node}, {"rabbitmq_cluster_permanent_id", node}}, 1);
}

void alarms_and_limits(const Writer& to, const exchange::Alarms& alarms, const AmqpCounters& counters) {
    using Kind = exchange::Alarms::Kind;
    to.gauge("rabbitmq_alarms_file_descriptor_limit", "1 if the file descriptor alarm is in effect", 0);
    to.gauge("rabbitmq_alarms_free_disk_space_watermark", "1 if the disk alarm is in effect",
             alarms.raised(Kind::disk) ? 1 : 0);
    to.gauge("rabbitmq_alarms_memory_used_watermark", "1 if the memory alarm is in effect",
             alarms.raised(Kind::memory) ? 1 : 0);
    to.gauge("rabbitmq_disk_space_available_bytes", "Disk space free", alarms.disk_free_bytes());
    to.gauge("rabbitmq_disk_space_available_limit_bytes", "Less of it raises the alarm",
             alarms.limits().disk_free_bytes);
    to.gauge("rabbitmq_process_resident_memory_bytes", "Memory of the process", alarms.memory_bytes());
    to.gauge("rabbitmq_resident_memory_limit_bytes", "More of it raises the alarm",
             alarms.limits().memory_bytes);
    rlimit descriptors{};
    ::getrlimit(RLIMIT_NOFILE, &descriptors);
    to.gauge("rabbitmq_process_open_fds", "File descriptors open", api::open_descriptors());
    to.gauge("rabbitmq_process_max_fds", "File descriptors allowed", descriptors.rlim_cur);
    to.gauge("rabbitmq_process_max_tcp_sockets", "Sockets allowed", descriptors.rlim_cur);
    to.gauge("rabbitmq_process_open_tcp_sockets", "Sockets of AMQP clients", counters.connections);
}

void comings_and_goings(const Writer& to, const AmqpCounters& counters, std::uint64_t queues) {
    to.gauge("rabbitmq_connections", "Connections open", counters.connections);
    to.gauge("rabbitmq_channels", "Channels open", counters.channels);
    to.gauge("rabbitmq_consumers", "Consumers", counters.consumers);
    to.gauge("rabbitmq_queues", "Queues", queues);
    to.counter("rabbitmq_connections_opened_total", "Connections opened", counters.connections_opened);
    to.counter("rabbitmq_connections_closed_total", "Connections closed", counters.connections_closed);
    to.counter("rabbitmq_channels_opened_total", "Channels opened", counters.channels_opened);
    to.counter("rabbitmq_channels_closed_total", "Channels closed", counters.channels_closed);
    to.counter("rabbitmq_queues_declared_total", "Queues declared", counters.queues_declared);
    to.counter("rabbitmq_queues_created_total", "Queues made", counters.queues_created);
    to.counter("rabbitmq_queues_deleted_total", "Queues deleted", counters.queues_deleted);
    to.counter("rabbitmq_auth_attempts_failed_total", "Logins refused", counters.logins_refused);
    to.counter("posthorn_tls_handshakes_total", "TLS handshakes that came to a good end",
               counters.tls_handshakes);
    to.counter("posthorn_tls_handshakes_failed_total", "TLS handshakes that did not, whichever side gave up",
               counters.tls_handshakes_failed);
    to.counter("posthorn_tls_closed_total",
               "Connections closed for what was no TLS, or not good enough; handshakes included",
               counters.tls_closed);
    to.counter("rabbitmq_connection_incoming_bytes_total", "Bytes from AMQP clients", counters.bytes_in);
    to.counter("rabbitmq_connection_outgoing_bytes_total", "Bytes to AMQP clients", counters.bytes_out);
}

/// Sums over the channels there are.
struct OpenChannels {
    std::uint64_t publishers = 0, unconfirmed = 0;
};

OpenChannels channels(const Writer& to, const AmqpServer& amqp, const AmqpCounters& counters) {
    OpenChannels open;
    std::uint64_t unacked = 0, uncommitted = 0, acks_uncommitted = 0, prefetch = 0, channel_prefetch = 0;
    amqp.each_channel([&](const gateway::amqp::ChannelInfo& channel) {
        unacked += channel.unacknowledged, open.unconfirmed += channel.unconfirmed;
        open.publishers += channel.messages.published > 0 ? 1 : 0;
        uncommitted += channel.uncommitted, acks_uncommitted += channel.uncommitted_acks;
        prefetch += channel.prefetch, channel_prefetch += channel.global_prefetch;
    });
    to.gauge("rabbitmq_channel_consumers", "Consumers of channels", counters.consumers);
    to.gauge("rabbitmq_channel_messages_unacked", "Delivered, not acknowledged yet", unacked);
    to.gauge("rabbitmq_channel_messages_unconfirmed", "Published, not confirmed yet", open.unconfirmed);
    to.gauge("rabbitmq_channel_messages_uncommitted", "Published in transactions", uncommitted);
    to.gauge("rabbitmq_channel_acks_uncommitted", "Acknowledged in transactions", acks_uncommitted);
    to.gauge("rabbitmq_consumer_prefetch", "Unacknowledged messages allowed to new consumers", prefetch);
    to.gauge("rabbitmq_channel_prefetch", "Unacknowledged messages allowed to channels", channel_prefetch);

    const auto& messages = counters.messages;
    to.counter("rabbitmq_channel_messages_published_total", "Messages published", messages.published);
    to.counter("rabbitmq_channel_messages_confirmed_total", "Publishes confirmed", messages.confirmed);
    to.counter("rabbitmq_channel_messages_unroutable_returned_total", "Mandatory messages no queue wanted",
               messages.returned_unroutable);
    to.counter("rabbitmq_channel_messages_unroutable_dropped_total", "Other messages no queue wanted",
               messages.dropped_unroutable);
    to.counter("rabbitmq_channel_messages_delivered_ack_total", "Delivered, to be acknowledged",
               messages.delivered);
    to.counter("rabbitmq_channel_messages_delivered_total", "Delivered and done with",
               messages.delivered_no_ack);
    to.counter("rabbitmq_channel_messages_redelivered_total", "Delivered again", messages.redelivered);
    to.counter("rabbitmq_channel_messages_acked_total", "Acknowledged", messages.acknowledged);
    to.counter("rabbitmq_channel_get_ack_total", "Got, to be acknowledged", messages.got);
    to.counter("rabbitmq_channel_get_total", "Got and done with", messages.got_no_ack);
    to.counter("rabbitmq_channel_get_empty_total", "Asked of an empty queue", messages.got_empty);
    return open;
}

/// `to_confirm`: publishes ever that are or were to be confirmed.
void globals(const Writer& to, const AmqpCounters& counters, std::uint64_t publishers,
             std::uint64_t to_confirm) {
    const auto& messages = counters.messages;
    const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
        to.global(name, MetricKind::counter, help, value);
    };
    const std::uint64_t unroutable = messages.returned_unroutable + messages.dropped_unroutable;
    counter("rabbitmq_global_messages_received_total", "Messages published", messages.published);
    counter("rabbitmq_global_messages_received_confirm_total", "Messages published to be confirmed",
            to_confirm);
    counter("rabbitmq_global_messages_routed_total", "Messages some queue wanted",
            messages.published - unroutable);
    counter("rabbitmq_global_messages_confirmed_total", "Publishes confirmed", messages.confirmed);
    counter("rabbitmq_global_messages_unroutable_returned_total", "Mandatory messages no queue wanted",
            messages.returned_unroutable);
    counter("rabbitmq_global_messages_unroutable_dropped_total", "Other messages no queue wanted",
            messages.dropped_unroutable);
    counter("rabbitmq_global_messages_delivered_total", "Delivered and got",
            messages.delivered + messages.delivered_no_ack + messages.got + messages.got_no_ack);
    counter("rabbitmq_global_messages_delivered_consume_manual_ack_total", "Delivered, to be acknowledged",
            messages.delivered);
    counter("rabbitmq_global_messages_delivered_consume_auto_ack_total", "Delivered and done with",
            messages.delivered_no_ack);
    counter("rabbitmq_global_messages_delivered_get_manual_ack_total", "Got, to be acknowledged",
            messages.got);
    counter("rabbitmq_global_messages_delivered_get_auto_ack_total", "Got and done with",
            messages.got_no_ack);
    counter("rabbitmq_global_messages_get_empty_total", "Asked of an empty queue", messages.got_empty);
    counter("rabbitmq_global_messages_redelivered_total", "Delivered again", messages.redelivered);
    counter("rabbitmq_global_messages_acknowledged_total", "Acknowledged", messages.acknowledged);
    to.global("rabbitmq_global_publishers", MetricKind::gauge, "Channels that have published", publishers);
    to.global("rabbitmq_global_consumers", MetricKind::gauge, "Consumers", counters.consumers);
}

void deaths(const Writer& to, const exchange::VirtualHosts& hosts) {
    struct Family {
        const char *name, *help;
        exchange::DeathReason reason;
        bool only_quorum;
    };
    static constexpr std::array families{
        Family{"rabbitmq_global_messages_dead_lettered_expired_total", "Died of their time",
               exchange::DeathReason::expired, false},
        Family{"rabbitmq_global_messages_dead_lettered_maxlen_total", "Died of a full queue",
               exchange::DeathReason::max_length, false},
        Family{"rabbitmq_global_messages_dead_lettered_rejected_total", "Died of a rejection",
               exchange::DeathReason::rejected, false},
        Family{"rabbitmq_global_messages_dead_lettered_delivery_limit_total", "Died of too many deliveries",
               exchange::DeathReason::delivery_limit, true}};
    for (const Family& family : families) {
        to.out.family(family.name, MetricKind::counter, family.help);
        const auto reason = static_cast<std::size_t>(family.reason);
        for (const bool quorum : {false, true}) {
            if (family.only_quorum && !quorum) continue;
            const char* const type = quorum ? "rabbit_quorum_queue" : "rabbit_classic_queue";
            const exchange::DeathCounts& counts = exchange::deaths(hosts, quorum);
            to.out.sample({{"queue_type", type}, {"dead_letter_strategy", "at_most_once"}},
                          static_cast<double>(counts.dead_lettered[reason]));
            to.out.sample({{"queue_type", type}, {"dead_letter_strategy", "disabled"}},
                          static_cast<double>(counts.dropped[reason]));
        }
    }
}

/// Returns how many there are. Every scrape visits every queue: half a millisecond for ten thousand.
std::uint64_t queues(const Writer& to, const exchange::VirtualHosts& hosts) {
    exchange::QueueCounts all;
    std::uint64_t count = 0;
    hosts.each([&](const exchange::VirtualHost& host) {
        count += exchange::queue_count(host);
        host.each_queue([&](const exchange::Queue& queue) {
            const exchange::QueueCounts one = queue.counts();
            all.ready += one.ready, all.unacked += one.unacked;
            all.ready_bytes += one.ready_bytes, all.unacked_bytes += one.unacked_bytes;
            all.persistent += one.persistent, all.consumers += one.consumers;
        });
    });
    to.gauge("rabbitmq_queue_messages", "Messages, ready and unacknowledged", all.ready + all.unacked);
    to.gauge("rabbitmq_queue_messages_ready", "Messages ready", all.ready);
    to.gauge("rabbitmq_queue_messages_unacked", "Messages delivered, not acknowledged yet", all.unacked);
    to.gauge("rabbitmq_queue_messages_persistent", "Persistent messages", all.persistent);
    to.gauge("rabbitmq_queue_messages_bytes", "Bytes of bodies", all.ready_bytes + all.unacked_bytes);
    to.gauge("rabbitmq_queue_messages_ready_bytes", "Bytes of bodies ready", all.ready_bytes);
    to.gauge("rabbitmq_queue_messages_unacked_bytes", "Bytes of bodies not acknowledged yet",
             all.unacked_bytes);
    to.gauge("rabbitmq_queue_consumers", "Consumers of queues", all.consumers);
    return count;
}

}  // namespace

api::MetricSource rabbitmq_metrics(const exchange::VirtualHosts& hosts, const exchange::Alarms& alarms,
                                   const AmqpServer& amqp, std::string node, std::string version) {
    return [&hosts, &alarms, &amqp, node = std::move(node), version = std::move(version),
            to_confirm = std::uint64_t{0}](Exposition& out) mutable {
        const Writer to{out};
        const AmqpCounters counters = amqp.counters();
        identity(to, node, version);
        alarms_and_limits(to, alarms, counters);
        comings_and_goings(to, counters, queues(to, hosts));
        const OpenChannels open = channels(to, amqp, counters);
        // A channel that closes takes its unconfirmed ones along: the sum must not fall.
        to_confirm = std::max(to_confirm, counters.messages.confirmed + open.unconfirmed);
        globals(to, counters, open.publishers, to_confirm);
        deaths(to, hosts);
    };
}

}  // namespace posthorn::server

#endif
