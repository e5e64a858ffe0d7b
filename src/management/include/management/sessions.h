#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "broker/broker.h"
#include "exchange/virtual_host.h"
#include "model/value.h"

namespace posthorn::management {

/// What became of messages on a channel, or on all channels there ever were.
struct MessageCounts {
    std::uint64_t published = 0, confirmed = 0;
    std::uint64_t returned_unroutable = 0, dropped_unroutable = 0;
    std::uint64_t delivered = 0, delivered_no_ack = 0, redelivered = 0;
    std::uint64_t got = 0, got_no_ack = 0, got_empty = 0;
    std::uint64_t acknowledged = 0;
};

/// Over all connections: how many there are now, and how many came and went.
struct SessionTotals {
    std::uint64_t connections = 0, channels = 0, consumers = 0;
    std::uint64_t connections_opened = 0, connections_closed = 0;
    std::uint64_t channels_opened = 0, channels_closed = 0;
    std::uint64_t queues_declared = 0, queues_created = 0, queues_deleted = 0;
    std::uint64_t bytes_in = 0, bytes_out = 0;
    MessageCounts messages;
};

/// Of a connection with it. Empty texts: the peer has shown no certificate.
struct Tls {
    std::string protocol, cipher;
    std::string peer_subject, peer_issuer, peer_validity;
};

struct Connection {
    std::uint64_t id = 0;
    std::string name;  ///< "127.0.0.1:53412 -> 127.0.0.1:5672"
    std::string peer_host, host;
    std::uint16_t peer_port = 0, port = 0;
    std::string user, virtual_host;
    std::string state, protocol, mechanism;
    std::uint32_t channels = 0;
    std::uint16_t channel_max = 0;
    std::uint32_t frame_max = 0;
    std::uint16_t heartbeat = 0;  ///< seconds; 0 none
    std::int64_t connected_at_ms = 0;
    std::uint64_t bytes_in = 0, bytes_out = 0, frames_in = 0, bytes_unsent = 0;
    model::Arguments client_properties;
    std::optional<Tls> tls;
};

struct Channel {
    std::string connection_name, user, virtual_host, state;
    std::uint16_t number = 0;
    bool confirm = false, transactional = false;
    std::uint32_t consumers = 0;
    std::uint16_t prefetch = 0, global_prefetch = 0;
    std::uint64_t unacknowledged = 0, unconfirmed = 0, uncommitted = 0, uncommitted_acks = 0;
    MessageCounts messages;
};

struct Consumer {
    std::string connection_name, user, virtual_host;
    std::uint16_t channel = 0;
    std::string queue, tag;
    bool exclusive = false, ack_required = true, active = true;
    std::uint16_t prefetch = 0;
    model::Arguments arguments;
};

/// A door clients come in by.
struct Listener {
    std::string protocol;  ///< RabbitMQ's names: amqp, amqp/ssl, http
    std::string address;
    std::uint16_t port = 0;
};

/// A message as people write and read it. Properties by RabbitMQ's names: content_type, delivery_mode,
/// headers, ...
struct Message {
    std::string exchange, key;
    model::Arguments properties;
    std::string body;
};

/// What only gateways know: who is connected, and how a message is laid out. The composition root fills it
/// in; without a gateway nobody is connected and nothing can be published. Owner thread of the engine only.
class Sessions {
  public:
    virtual ~Sessions() = default;

    virtual SessionTotals totals() const { return {}; }
    virtual std::vector<Listener> listeners() const { return {}; }
    virtual void each_connection(const std::function<void(const Connection&)>&) const {}
    virtual void each_channel(const std::function<void(const Channel&)>&) const {}
    virtual void each_consumer(const std::function<void(const Consumer&)>&) const {}

    /// False: there is none of this name.
    virtual bool close_connection(std::string_view /*name*/, std::string_view /*reason*/) { return false; }
    /// Before the user or the virtual host goes.
    virtual void close_user(std::string_view /*user*/, std::string_view /*reason*/) {}
    virtual void close_virtual_host(std::string_view /*name*/, std::string_view /*reason*/) {}

    /// Invalid: a property is of another type than it must be; else as `exchange::VirtualHost::publish`.
    virtual Result<exchange::Published> publish(exchange::VirtualHost&, const Message&) {
        return Error{Errc::unsupported, "this server speaks no protocol with exchanges"};
    }
    /// Nothing if it is no message of ours.
    virtual std::optional<Message> read(const broker::Stored&) const { return std::nullopt; }
};

}  // namespace posthorn::management
