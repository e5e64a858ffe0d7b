#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "auth/users.h"
#include "call.h"
#include "exchange/alarms.h"
#include "exchange/virtual_host.h"
#include "jobs.h"
#include "management/management.h"
#include "parameters.h"
#include "promises.h"
#include "rates.h"

namespace posthorn::management {

/// Sums over all virtual hosts.
struct ObjectTotals {
    std::size_t queues = 0, exchanges = 0;
    std::uint64_t ready = 0, unacked = 0;
};

/// What every handler may use.
struct Desk {
    Desk(const Foundation& foundation, ManagementOptions the_options)
        : loop(foundation.loop),
          broker(foundation.broker),
          hosts(foundation.hosts),
          alarms(foundation.alarms),
          users(foundation.users),
          sessions(foundation.sessions),
          options(std::move(the_options)),
          parameters(foundation.keep),
          jobs(foundation.loop),
          promises(foundation.loop, foundation.broker) {}

    runtime::Loop& loop;
    broker::Broker& broker;
    exchange::VirtualHosts& hosts;
    exchange::Alarms& alarms;
    auth::Users& users;
    Sessions& sessions;
    const ManagementOptions options;
    Parameters parameters;
    Rates rates;
    Jobs jobs;
    Promises promises;
    std::unordered_set<std::shared_ptr<void>> under_way;  ///< calls that wait for the disk
    MessageCounts messages;                               ///< published and got through this API
    ObjectTotals totals;                                  ///< as summed up at `totals_ms`
    std::int64_t totals_ms = 0;
    std::uint64_t queues_declared = 0, queues_created = 0, queues_deleted = 0;  ///< through this API

    std::int64_t now_ms() const { return loop.now_ns() / 1'000'000; }
    std::string cluster_name() const;

    /// The virtual hosts a listing is about: the path's, or all this user may enter.
    std::vector<exchange::VirtualHost*> hosts_for(const Call& call) const;
    /// The path's, which is there: routes see to it.
    exchange::VirtualHost& host_of(const Call& call) const;
    /// Denied, unless the user may.
    Result<void> may(const Call& call, auth::Right right, std::string_view kind, std::string_view name) const;
};

/// The default exchange is called amq.default in paths.
std::string_view exchange_name(std::string_view in_path);

}  // namespace posthorn::management
