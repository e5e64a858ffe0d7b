#pragma once

#include "exchange/virtual_host.h"
#include "json.h"

namespace posthorn::management {

/// {"max-queues":100}, what is unlimited left out.
Json limits_json(const exchange::HostLimits& limits);
/// Sets all that `value` names; negative is unlimited. Invalid: a name that is no limit, or no number.
Result<void> put_limits(exchange::VirtualHost& host, const Json& value);

}  // namespace posthorn::management
