#pragma once

#include <string>

#include "base/log.h"
#include "broker/options.h"
#include "gateway/remoting/options.h"
#include "http/server.h"

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

    broker::BrokerOptions engine;
    gateway::remoting::RemotingOptions remoting;
    http::ServerOptions http;
};

/// Checks what no single setting can know, and copies what is shared (the bind address) to every room.
Result<void> complete(Config& config);

}  // namespace posthorn::server
