#pragma once

#include <string>

#include "base/log.h"
#include "broker/options.h"
#include "first_user.h"
#include "gateways.h"
#include "http/server.h"
#include "runtime/tls.h"

#if POSTHORN_WITH_REMOTING
#include "gateway/remoting/options.h"
#endif
#if POSTHORN_WITH_AMQP
#include "gateway/amqp/options.h"
#endif

namespace posthorn::server {

enum class LogFormat { text, json };

/// Everything that can be set, with its default. Rooms bring their own options; what several of them must
/// agree on stands once, here, and `complete` hands it down.
struct Config {
    std::string data_directory = "./posthorn-data";
    std::string bind_address = "127.0.0.1";
    LogFormat log_format = LogFormat::text;
    LogLevel log_level = LogLevel::info;
    bool http_enabled = true;
    bool amqp_enabled = true;
    runtime::TlsOptions tls;  ///< without a certificate file: no port with TLS

    broker::BrokerOptions engine;
    FirstUser first_user;
    double memory_alarm_ratio = 0.4;                           ///< RabbitMQ's vm_memory_high_watermark
    std::uint64_t disk_alarm_bytes = std::uint64_t{50} << 20;  ///< RabbitMQ's disk_free_limit is 50 MB
#if POSTHORN_WITH_REMOTING
    gateway::remoting::RemotingOptions remoting;
#endif
#if POSTHORN_WITH_AMQP
    gateway::amqp::AmqpOptions amqp;
#endif
    http::ServerOptions http;
};

inline bool with_tls(const Config& config) {
    return !config.tls.certificate_file.empty();
}

/// Checks what no single setting can know, and copies what is shared (the bind address) to every room.
Result<void> complete(Config& config);

}  // namespace posthorn::server
