#include "desk.h"

#include <fmt/format.h>

#include <algorithm>

namespace posthorn::management {

std::string Desk::cluster_name() const {
    const Json* name = parameters.find(Parameters::global, "", "cluster_name");
    return name && name->is_string() ? name->get<std::string>() : options.cluster_name;
}

std::vector<exchange::VirtualHost*> Desk::hosts_for(const Call& call) const {
    std::vector<exchange::VirtualHost*> found;
    if (!call.vhost().empty()) {
        if (exchange::VirtualHost* one = hosts.find(call.vhost())) found.push_back(one);
        return found;
    }
    hosts.each([&](exchange::VirtualHost& host) {
        if (users.may_enter(call.user.name, host.name())) found.push_back(&host);
    });
    std::sort(found.begin(), found.end(), [](const auto* a, const auto* b) { return a->name() < b->name(); });
    return found;
}

exchange::VirtualHost& Desk::host_of(const Call& call) const {
    exchange::VirtualHost* const host = hosts.find(call.vhost());
    POSTHORN_CHECK(host, "a route lets a call into a virtual host that is not there");
    return *host;
}

Result<void> Desk::may(const Call& call, auth::Right right, std::string_view kind,
                       std::string_view name) const {
    const std::string_view shown = kind == "exchange" && name.empty() ? "amq.default" : name;
    if (users.may(call.user.name, call.vhost(), right, shown)) return {};
    return Error{Errc::denied, fmt::format("ACCESS_REFUSED - access to {} refused for user '{}'",
                                           exchange::describe(kind, shown, call.vhost()), call.user.name)};
}

std::string_view exchange_name(std::string_view in_path) {
    return in_path == "amq.default" ? std::string_view() : in_path;
}

}  // namespace posthorn::management
