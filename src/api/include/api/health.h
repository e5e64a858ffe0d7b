#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "http/router.h"

namespace posthorn::api {

struct Health {
    std::string version;
    std::int64_t uptime_ms = 0;
    std::optional<std::string> writes_refused;  ///< why, if they are
};

/// GET /healthz: {"status":"OK"} or {"status":"DEGRADED"} with the reason. Both are 200: a broker that
/// refuses writes still serves reads and must not be restarted for it.
void add_health(http::Router& router, std::function<Health()> ask);

}  // namespace posthorn::api
