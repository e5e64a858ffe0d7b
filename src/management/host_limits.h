#pragma once

#include "exchange/virtual_host.h"
#include "json.h"

namespace posthorn::management {

/// {"max-queues":100}, what is unlimited left out.
Json limits_json(const exchange::HostLimits& limits);
/// Sets all that `value` names; negative is unlimited. Invalid, and nothing is set: a name that is no limit,
/// or no number. `others_too`: what it does not name is unlimited from now on.
Result<void> put_limits(exchange::VirtualHost& host, const Json& value, bool others_too = false);

}  // namespace posthorn::management
