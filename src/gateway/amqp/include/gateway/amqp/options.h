#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "runtime/tls.h"

namespace posthorn::gateway::amqp {

/// What of a client's certificate is its user's name where it logs in with that (ssl_cert_login_from).
enum class CertificateLogin { distinguished_name, common_name };

/// What one AMQP server is and how much it takes. RabbitMQ's names stand beside ours where it has one.
struct AmqpOptions {
    std::string bind_address = "127.0.0.1";
    std::uint16_t port = 5672;                       ///< listeners.tcp.default; 0 takes a free one
    bool plain = true;                               ///< whether the port without TLS listens
    std::uint16_t tls_port = 5671;                   ///< listeners.ssl.default; 0 takes a free one
    std::shared_ptr<const runtime::TlsContext> tls;  ///< null: no port with TLS
    CertificateLogin certificate_login = CertificateLogin::distinguished_name;

    /// Announced in connection.start. Clients look at product and version: libraries and their tests decide
    /// by them what a server can do, so both say whose behaviour this is; `platform` says whose program.
    std::string product = "RabbitMQ";
    std::string version = "3.10.8";
    std::string platform = "Posthorn";
    std::string information = "Posthorn, AMQP 0-9-1 as RabbitMQ 3.10.8 speaks it";
    std::string cluster_name = "posthorn@localhost";

    std::chrono::seconds heartbeat{60};      ///< heartbeat: proposed; the client decides
    std::uint16_t channel_max = 2047;        ///< channel_max: open channels of one connection
    std::uint32_t frame_max = 131'072;       ///< frame_max: larger bodies come in several frames
    std::string default_virtual_host = "/";  ///< where nobody says

    /// From the first byte to connection.open-ok (handshake_timeout).
    std::chrono::milliseconds handshake_timeout{10'000};
    /// Who fails to log in, or says what no client says, waits so long for the end: guessing stays slow.
    std::chrono::milliseconds refused_silence{3'000};
    /// For the client's close-ok after our connection.close; then the socket goes.
    std::chrono::milliseconds close_timeout{30'000};

    /// A channel whose client has not settled a delivery for so long is closed, and the message goes to
    /// others; found up to an eighth later (consumer_timeout). 0: never.
    std::chrono::milliseconds consumer_timeout{30 * 60'000};

    std::size_t connections_max = 100'000;  ///< a quarter of the file descriptors a usual system allows
    std::size_t channels_max = 500'000;     ///< over all connections: a channel takes about a KiB
    std::size_t consumers_per_channel_max = 65'536;  ///< one takes about 300 bytes
    std::size_t consumers_max = 1'000'000;           ///< over all channels
    /// Delivered and not settled: who settles nothing stops itself and not everybody, for the engine has a
    /// limit as well (limits.in_flight; these are a 16th and an eighth of its default).
    std::size_t unsettled_per_channel_max = 62'500;
    std::size_t unsettled_per_connection_max = 125'000;
    /// Confirms that wait for the disk, over all channels. One per channel and tick: far below this.
    std::size_t pending_confirms_max = 262'144;
    /// Bodies of published messages; what the engine takes if that is less (max_message_size). RabbitMQ's
    /// default was 128 MiB up to 3.13 and is this since 4.0; docs/decisions/0019.
    std::uint64_t message_max_bytes = std::uint64_t{16} << 20;
    /// What one transaction may gather before its commit: as much as one message may have.
    std::size_t transaction_max_bytes = std::size_t{128} << 20;
    std::size_t transaction_max_messages = 65'536;
    /// Of one connection over its channels: messages under way in pieces, and open transactions.
    std::size_t partial_max_bytes = std::size_t{256} << 20;
    std::size_t output_high_bytes = std::size_t{1} << 20;  ///< who does not read gets no more deliveries
    /// And at this is not read either, so that answers and returned messages end as well.
    std::size_t output_stop_bytes = std::size_t{8} << 20;
    std::size_t output_limit_bytes = std::size_t{64} << 20;  ///< and at this is closed
};

}  // namespace posthorn::gateway::amqp
