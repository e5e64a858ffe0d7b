#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "ages.h"
#include "auth/users.h"
#include "call.h"
#include "census.h"
#include "exchange/alarms.h"
#include "exchange/virtual_host.h"
#include "held_answers.h"
#include "jobs.h"
#include "management/management.h"
#include "parameters.h"
#include "promises.h"
#include "rates.h"
#include "runtime/worker.h"

namespace posthorn::management {

/// What every handler may use.
struct Desk {
    Desk(const Foundation& foundation, ManagementOptions the_options)
        : loop(foundation.loop),
          broker(foundation.broker),
          hosts(foundation.hosts),
          alarms(foundation.alarms),
          users(foundation.users),
          sessions(foundation.sessions),
          worker(foundation.worker),
          options(std::move(the_options)),
          parameters(foundation.keep),
          jobs(foundation.loop),
          imports(foundation.loop),
          promises(foundation.loop, foundation.broker),
          held_answers(foundation.loop, foundation.broker.catalog()) {}

    runtime::Loop& loop;
    broker::Broker& broker;
    exchange::VirtualHosts& hosts;
    exchange::Alarms& alarms;
    auth::Users& users;
    Sessions& sessions;
    runtime::Worker& worker;
    const ManagementOptions options;
    Parameters parameters;
    Rates rates;
    Ages ages;  ///< what the request being answered asks for; of lists nothing
    Jobs jobs, imports;
    Promises promises;
    HeldAnswers held_answers;
    std::unordered_set<std::shared_ptr<void>> under_way;  ///< calls that wait for the disk
    MessageCounts messages;                               ///< published and got through this API
    Census census{*this};
    std::uint64_t queues_declared = 0, queues_created = 0, queues_deleted = 0;  ///< through this API

    /// Held by every list that keeps a table's names while it puts them into another order.
    const std::shared_ptr<const int> reordering = std::make_shared<const int>();

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
