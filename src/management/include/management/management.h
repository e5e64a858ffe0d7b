#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "http/router.h"
#include "management/sessions.h"

namespace posthorn::auth {
class Keep;
class Users;
}  // namespace posthorn::auth
namespace posthorn::broker {
class Broker;
}
namespace posthorn::exchange {
class Alarms;
class VirtualHosts;
}  // namespace posthorn::exchange
namespace posthorn::runtime {
class Loop;
class Worker;
}  // namespace posthorn::runtime

namespace posthorn::management {

struct ManagementOptions {
    std::string node = "posthorn@localhost";
    std::string cluster_name = "posthorn@localhost";
    std::string version;  ///< Posthorn's
    /// Announced where tools look for it: whose shapes these are.
    std::string rabbitmq_version = "3.10.8";
    std::string data_directory;
    std::int64_t started_wall_ms = 0;
    std::uint64_t message_max_bytes = std::uint64_t{128} << 20;
};

/// What the management pages stand on. All of it must outlive `Management`.
struct Foundation {
    runtime::Loop& loop;
    broker::Broker& broker;
    exchange::VirtualHosts& hosts;
    exchange::Alarms& alarms;
    auth::Users& users;
    auth::Keep& keep;  ///< parameters and descriptions lie here
    Sessions& sessions;
    runtime::Worker&
        worker;  ///< for what takes long and needs nothing of the engine's; collected with the ticks
};

/// RabbitMQ's management API below /api, and a page for people at `/` that uses it. docs/management.md says
/// what is there and what deliberately differs.
///
/// Handlers run on the loop. What may take long (listings, definitions in and out, sums over all queues) is
/// done in shares of a few milliseconds, one a tick, and large answers are sent while they are made. Every
/// five seconds numbers are noted from which rates are told.
class Management {
  public:
    Management(Foundation foundation, ManagementOptions options);
    /// What is under way is not answered any more. After the HTTP server, before the foundation.
    ~Management();
    Management(const Management&) = delete;
    Management& operator=(const Management&) = delete;

    /// The router may outlive neither.
    void add_to(http::Router& router);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace posthorn::management
