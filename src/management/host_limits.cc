#include "host_limits.h"

#include <array>

#include "desk.h"
#include "listing.h"
#include "named_limits.h"
#include "nouns.h"

namespace posthorn::management {
namespace {

using exchange::HostLimits;
using exchange::VirtualHost;
using http::Response;

constexpr std::array<NamedLimit<HostLimits>, 2> known{
    {{"max-queues", &HostLimits::max_queues}, {"max-connections", &HostLimits::max_connections}}};

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
    auto put = put_limits(desk.host_of(call), {{std::string(call["name"]), limit_value(*body)}});
    return put ? no_content() : failed(put.error());
}

Response delete_limit(Desk& desk, const Call& call) {
    const auto limit = limit_named<HostLimits>(known, call["name"]);
    if (!limit) return not_found();
    HostLimits limits = desk.host_of(call).limits();
    (limits.*limit).reset();
    return gone(desk.host_of(call).set_limits(limits));
}

}  // namespace

Json limits_json(const HostLimits& limits) {
    return limits_json<HostLimits>(known, limits);
}

Result<void> put_limits(VirtualHost& host, const Json& value, bool others_too) {
    HostLimits limits = others_too ? HostLimits() : host.limits();
    if (auto read = read_limits<HostLimits>(known, value, limits); !read) return read;
    return host.set_limits(limits);
}

void add_host_limits(Routes& routes) {
    routes.get("/vhost-limits", Needs::login, &list_limits);
    routes.get("/vhost-limits/{vhost}", Needs::vhost, &list_limits);
    routes.put("/vhost-limits/{vhost}/{name}", Needs::administrator, &put_limit);
    routes.del("/vhost-limits/{vhost}/{name}", Needs::administrator, &delete_limit);
}

}  // namespace posthorn::management
