#include "api/health.h"

#include <fmt/core.h>

namespace posthorn::api {

void add_health(http::Router& router, std::function<Health()> ask) {
    router.add(http::Verb::get, "/healthz", [ask = std::move(ask)](const http::Request&) {
        const Health health = ask();
        const bool good = !health.writes_refused;
        http::Response response;
        response.body = fmt::format(
            "{{\"status\":\"{}\",\"version\":{},\"uptime_seconds\":{:.3f},\"reads\":\"accepted\",\"writes\":"
            "\"{}\"",
            good ? "OK" : "DEGRADED", http::json_quoted(health.version),
            static_cast<double>(health.uptime_ms) / 1000, good ? "accepted" : "refused");
        if (!good) response.body += fmt::format(",\"reason\":{}", http::json_quoted(*health.writes_refused));
        response.body += "}\n";
        return response;
    });
}

}  // namespace posthorn::api
