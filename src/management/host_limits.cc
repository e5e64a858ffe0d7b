#include "host_limits.h"

#include <fmt/format.h>

#include "desk.h"
#include "listing.h"
#include "nouns.h"

namespace posthorn::management {
namespace {

using exchange::HostLimits;
using exchange::VirtualHost;
using http::Response;

using Limit = std::optional<std::uint64_t> HostLimits::*;
Limit limit_named(std::string_view name) {
    if (name == "max-queues") return &HostLimits::max_queues;
    if (name == "max-connections") return &HostLimits::max_connections;
    return nullptr;
}

Error invalid(const std::string& why) {
    return {Errc::invalid, fmt::format("Validation failed\n\n{}\n", why)};
}

void list_limits(Desk& desk, Call call, http::Reply reply) {
    std::vector<Json> rows;
    for (VirtualHost* host : desk.hosts_for(call))
        if (host->limits() != HostLimits())
            rows.push_back({{"vhost", host->name()}, {"value", limits_json(host->limits())}});
    list(desk, call, Listing::of(std::move(rows)), reply);
}

Response put_limit(Desk& desk, const Call& call) {
    const auto body = parse_body(call.request.body);
    if (!body) return failed(body.error());
    if (auto all = require(*body, {"value"}); !all) return failed(all.error());
    const auto number = number_in(*body, "value", -1);
    if (!number)
        return failed(invalid(
            fmt::format("{} should be a number, actually was {}", call["name"], text_of((*body)["value"]))));
    if (auto put = put_limits(desk.host_of(call), {{std::string(call["name"]), *number}}); !put)
        return failed(put.error());
    return no_content();
}

Response delete_limit(Desk& desk, const Call& call) {
    const Limit limit = limit_named(call["name"]);
    if (!limit) return not_found();
    HostLimits limits = desk.host_of(call).limits();
    (limits.*limit).reset();
    desk.host_of(call).set_limits(limits);
    return no_content();
}

}  // namespace

Json limits_json(const HostLimits& limits) {
    Json json = Json::object();
    if (limits.max_queues) json["max-queues"] = *limits.max_queues;
    if (limits.max_connections) json["max-connections"] = *limits.max_connections;
    return json;
}

Result<void> put_limits(VirtualHost& host, const Json& value) {
    HostLimits limits = host.limits();
    for (const auto& [name, number] : value.items()) {
        const Limit limit = limit_named(name);
        if (!limit)
            return invalid(
                fmt::format("Unrecognised terms [{{<<\"{}\">>,{}}}] in limits", name, text_of(number)));
        if (!number.is_number_integer())
            return invalid(fmt::format("{} should be a number, actually was {}", name, text_of(number)));
        if (number.is_number_unsigned() || number.get<std::int64_t>() >= 0)
            limits.*limit = number.get<std::uint64_t>();
        else
            (limits.*limit).reset();
    }
    host.set_limits(limits);
    return {};
}

void add_limits(Routes& routes) {
    routes.get("/vhost-limits", Needs::login, &list_limits);
    routes.get("/vhost-limits/{vhost}", Needs::vhost, &list_limits);
    routes.put("/vhost-limits/{vhost}/{name}", Needs::administrator, &put_limit);
    routes.del("/vhost-limits/{vhost}/{name}", Needs::administrator, &delete_limit);
}

}  // namespace posthorn::management
