#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "gateway/amqp/options.h"
#include "model/value.h"

namespace posthorn::auth {
class Users;
}
namespace posthorn::broker {
class Broker;
}
namespace posthorn::exchange {
class Alarms;
class VirtualHosts;
}  // namespace posthorn::exchange
namespace posthorn::runtime {
class Loop;
class TlsContext;
struct TlsSession;
}  // namespace posthorn::runtime

namespace posthorn::gateway::amqp {

/// Of one channel, or of all there ever were.
struct MessageCounts {
    std::uint64_t published = 0, confirmed = 0;
    std::uint64_t returned_unroutable = 0, dropped_unroutable = 0;
    std::uint64_t delivered = 0, delivered_no_ack = 0, redelivered = 0;
    std::uint64_t got = 0, got_no_ack = 0, got_empty = 0;
    std::uint64_t acknowledged = 0, rejected = 0, requeued = 0;
};

struct AmqpCounters {
    std::uint64_t connections = 0, channels = 0, consumers = 0;  ///< now
    std::uint64_t connections_opened = 0, connections_closed = 0;
    std::uint64_t channels_opened = 0, channels_closed = 0;
    std::uint64_t accepted = 0, refused_connections = 0, overflow_closed = 0;  ///< sockets
    std::uint64_t tls_handshakes = 0, tls_handshakes_failed = 0;
    std::uint64_t tls_closed = 0;  ///< for what was no TLS, or not good enough; failed handshakes included
    std::uint64_t bytes_in = 0, bytes_out = 0;
    std::uint64_t logins_refused = 0, handshakes_failed = 0, heartbeats_missed = 0;
    std::uint64_t connection_errors = 0, channel_errors = 0;  ///< closed by us with a code
    std::uint64_t queues_declared = 0, queues_created = 0, queues_deleted = 0;
    std::uint64_t pending_confirms = 0;  ///< now
    std::uint64_t blocked = 0;           ///< now: publishers that an alarm stopped
    MessageCounts messages;
};

/// One connection, for people and the management pages. `name` is RabbitMQ's: "127.0.0.1:53412 ->
/// 127.0.0.1:5672".
struct ConnectionInfo {
    std::uint64_t id = 0;
    std::string name;
    std::string peer_host, host;
    std::uint16_t peer_port = 0, port = 0;
    std::string user, virtual_host;
    std::string_view state;  ///< starting, tuning, opening, running, blocking, blocked, closing
    std::string_view protocol;
    std::string_view mechanism;
    const runtime::TlsSession* tls = nullptr;  ///< good during the visit; null: none
    std::uint32_t channels = 0;
    std::uint16_t channel_max = 0;
    std::uint32_t frame_max = 0;
    std::uint16_t heartbeat = 0;  ///< seconds; 0 none
    std::int64_t connected_at_ms = 0;
    std::uint64_t bytes_in = 0, bytes_out = 0, frames_in = 0, bytes_unsent = 0;
    const model::Arguments* client_properties = nullptr;  ///< good during the visit
};

struct ChannelInfo {
    std::uint64_t connection = 0;
    std::string_view connection_name, user, virtual_host;
    std::uint16_t number = 0;
    std::string_view state;  ///< running, closing
    bool confirm = false, transactional = false;
    std::uint32_t consumers = 0;
    std::uint16_t prefetch = 0, global_prefetch = 0;
    std::uint64_t unacknowledged = 0, unconfirmed = 0, uncommitted = 0, uncommitted_acks = 0;
    MessageCounts messages;
};

struct ConsumerInfo {
    std::uint64_t connection = 0;
    std::string_view connection_name, user, virtual_host;
    std::uint16_t channel = 0;
    std::string_view queue, tag;
    bool exclusive = false, ack_required = true;
    bool active = true;  ///< false: its queue has a single active consumer, and that is another
    std::uint16_t prefetch = 0;
    std::int32_t priority = 0;
    const model::Arguments* arguments = nullptr;  ///< good during the visit
};

/// AMQP 0-9-1 for stock RabbitMQ clients: sessions that translate frames to calls of `exchange`.
///
/// Runs on the engine's thread. The composition root calls `after_tick()` after `Broker::end_tick()` and
/// `VirtualHosts::after_tick_end()` of every tick: that is when publishes that waited for the disk are
/// confirmed.
///
/// While an alarm is on, connections that publish are not read until it is over, and told so
/// (connection.blocked) if they asked to be; nobody else notices.
class AmqpServer {
  public:
    AmqpServer(runtime::Loop& loop, broker::Broker& broker, exchange::VirtualHosts& hosts,
               exchange::Alarms& alarms, auth::Users& users, AmqpOptions options);
    ~AmqpServer();  ///< closes; before the virtual hosts, the broker and the loop go
    AmqpServer(const AmqpServer&) = delete;
    AmqpServer& operator=(const AmqpServer&) = delete;

    Result<void> listen();
    void after_tick();
    /// Stops listening and tells every client (320, as RabbitMQ). `done` is called once, from here or from
    /// the loop, when all have answered and are gone, or two seconds later. `close` follows.
    void shut_down(std::function<void()> done);
    /// Stops listening, then closes every connection: what clients had in hand is ready again.
    void close();
    std::uint16_t port() const;  ///< as it came out where 0 was asked for
    std::uint16_t tls_port() const;
    /// Another certificate for those who connect from now on.
    void set_tls(std::shared_ptr<const runtime::TlsContext> tls);

    // --- for the management pages --------------------------------------------------------------------------
    AmqpCounters counters() const;
    void each_connection(const std::function<void(const ConnectionInfo&)>& visit) const;
    void each_channel(const std::function<void(const ChannelInfo&)>& visit) const;
    void each_consumer(const std::function<void(const ConsumerInfo&)>& visit) const;
    /// Tells the client (320, "CONNECTION_FORCED - " and the reason) and closes when it has answered, or
    /// after `close_timeout`. False: there is none of this name.
    bool close_connection(std::string_view name, std::string_view reason);
    /// All connections of a user, or in a virtual host. To be called before either is removed: sessions hold
    /// on to their virtual host.
    void close_user(std::string_view user, std::string_view reason);
    void close_virtual_host(std::string_view name, std::string_view reason);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace posthorn::gateway::amqp
