#pragma once

#include "desk.h"

namespace posthorn::management {

/// Over the queues of one virtual host. Visits all of them.
struct QueueTotals {
    std::uint64_t ready = 0, unacked = 0;
    MessageCounts messages;  ///< `published`: to its exchanges; confirms and returns are not known by host
};
QueueTotals queue_totals(const exchange::VirtualHost& host);

/// Makes it, or changes what `body` says of it: description, tags, tracing, default_queue_type. `creator`, if
/// somebody is named, may do everything in a new one.
Result<void> put_vhost(Desk& desk, std::string_view name, const Json& body, std::string_view creator);

}  // namespace posthorn::management
