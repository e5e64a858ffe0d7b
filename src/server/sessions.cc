#include "sessions.h"

#if POSTHORN_WITH_AMQP
#include "certificates.h"
#include "gateway/amqp/plain_message.h"
#endif

namespace posthorn::server {

std::vector<management::Listener> ServerSessions::listeners() const {
    std::vector<management::Listener> doors;
#if POSTHORN_WITH_AMQP
    if (amqp_ && config_.amqp_enabled) doors.push_back({"amqp", config_.bind_address, amqp_->port()});
    if (amqp_ && with_tls(config_)) doors.push_back({"amqp/ssl", config_.bind_address, amqp_->tls_port()});
#endif
    if (http_) {
        doors.push_back({"http", config_.bind_address, http_->port()});
        doors.push_back({"http/prometheus", config_.bind_address, http_->port()});
    }
    return doors;
}

#if POSTHORN_WITH_AMQP

namespace {

management::MessageCounts counts_of(const gateway::amqp::MessageCounts& from) {
    management::MessageCounts counts;
    counts.published = from.published, counts.confirmed = from.confirmed;
    counts.returned_unroutable = from.returned_unroutable;
    counts.dropped_unroutable = from.dropped_unroutable;
    counts.delivered = from.delivered, counts.delivered_no_ack = from.delivered_no_ack;
    counts.redelivered = from.redelivered;
    counts.got = from.got, counts.got_no_ack = from.got_no_ack, counts.got_empty = from.got_empty;
    counts.acknowledged = from.acknowledged;
    return counts;
}

management::Tls tls_of(const runtime::TlsSession& from) {
    management::Tls tls;
    tls.protocol = from.protocol, tls.cipher = from.cipher;
    if (!from.peer) return tls;
    tls.peer_subject = from.peer->subject, tls.peer_issuer = from.peer->issuer;
    tls.peer_validity = utc_text(from.peer->not_before_s) + " - " + utc_text(from.peer->not_after_s);
    return tls;
}

}  // namespace

management::SessionTotals ServerSessions::totals() const {
    management::SessionTotals totals;
    if (!amqp_) return totals;
    const auto from = amqp_->counters();
    totals.connections = from.connections, totals.channels = from.channels, totals.consumers = from.consumers;
    totals.connections_opened = from.connections_opened;
    totals.connections_closed = from.connections_closed;
    totals.channels_opened = from.channels_opened, totals.channels_closed = from.channels_closed;
    totals.queues_declared = from.queues_declared, totals.queues_created = from.queues_created;
    totals.queues_deleted = from.queues_deleted;
    totals.bytes_in = from.bytes_in, totals.bytes_out = from.bytes_out;
    totals.messages = counts_of(from.messages);
    return totals;
}

void ServerSessions::each_connection(const std::function<void(const management::Connection&)>& visit) const {
    if (!amqp_) return;
    amqp_->each_connection([&](const gateway::amqp::ConnectionInfo& from) {
        management::Connection to;
        to.id = from.id, to.name = from.name;
        to.peer_host = from.peer_host, to.host = from.host;
        to.peer_port = from.peer_port, to.port = from.port;
        to.user = from.user, to.virtual_host = from.virtual_host;
        to.state = from.state, to.protocol = from.protocol, to.mechanism = from.mechanism;
        to.channels = from.channels, to.channel_max = from.channel_max, to.frame_max = from.frame_max;
        to.heartbeat = from.heartbeat, to.connected_at_ms = from.connected_at_ms;
        to.bytes_in = from.bytes_in, to.bytes_out = from.bytes_out;
        to.frames_in = from.frames_in, to.bytes_unsent = from.bytes_unsent;
        if (from.client_properties) to.client_properties = *from.client_properties;
        if (from.tls) to.tls = tls_of(*from.tls);
        visit(to);
    });
}

void ServerSessions::each_channel(const std::function<void(const management::Channel&)>& visit) const {
    if (!amqp_) return;
    amqp_->each_channel([&](const gateway::amqp::ChannelInfo& from) {
        management::Channel to;
        to.connection_name = from.connection_name, to.user = from.user;
        to.virtual_host = from.virtual_host, to.state = from.state;
        to.number = from.number, to.confirm = from.confirm, to.transactional = from.transactional;
        to.consumers = from.consumers, to.prefetch = from.prefetch;
        to.global_prefetch = from.global_prefetch;
        to.unacknowledged = from.unacknowledged, to.unconfirmed = from.unconfirmed;
        to.uncommitted = from.uncommitted, to.uncommitted_acks = from.uncommitted_acks;
        to.messages = counts_of(from.messages);
        visit(to);
    });
}

void ServerSessions::each_consumer(const std::function<void(const management::Consumer&)>& visit) const {
    if (!amqp_) return;
    amqp_->each_consumer([&](const gateway::amqp::ConsumerInfo& from) {
        management::Consumer to;
        to.connection_name = from.connection_name, to.user = from.user;
        to.virtual_host = from.virtual_host, to.channel = from.channel;
        to.queue = from.queue, to.tag = from.tag;
        to.exclusive = from.exclusive, to.ack_required = from.ack_required;
        to.active = from.active;
        to.prefetch = from.prefetch;
        if (from.arguments) to.arguments = *from.arguments;
        visit(to);
    });
}

bool ServerSessions::close_connection(std::string_view name, std::string_view reason) {
    return amqp_ && amqp_->close_connection(name, reason);
}

void ServerSessions::close_user(std::string_view user, std::string_view reason) {
    if (amqp_) amqp_->close_user(user, reason);
}

void ServerSessions::close_virtual_host(std::string_view name, std::string_view reason) {
    if (amqp_) amqp_->close_virtual_host(name, reason);
}

Result<exchange::Published> ServerSessions::publish(exchange::VirtualHost& host,
                                                    const management::Message& message) {
    return gateway::amqp::publish(host, {message.exchange, message.key, message.properties, message.body});
}

std::optional<management::Message> ServerSessions::read(const broker::Stored& stored) const {
    auto plain = gateway::amqp::read_plain(stored);
    if (!plain) return std::nullopt;
    return management::Message{std::move(plain->exchange), std::move(plain->key),
                               std::move(plain->properties), std::move(plain->body)};
}

#endif

}  // namespace posthorn::server
