#include "runtime_parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/log.h"
#include "host_limits.h"
#include "listing.h"
#include "nouns.h"
#include "policies.h"

namespace posthorn::management {
namespace {

using exchange::VirtualHost;
using http::Response;

constexpr std::string_view operator_policy = "operator_policy", vhost_limits = "vhost-limits",
                           limits = "limits";
constexpr std::array<std::string_view, 3> of_plugins{"federation-upstream", "federation-upstream-set",
                                                     "shovel"};

Json row(std::string_view component, std::string_view vhost, std::string_view name, Json value) {
    return {{"component", component}, {"vhost", vhost}, {"name", name}, {"value", std::move(value)}};
}

void list_parameters(Desk& desk, Call call, http::Reply reply) {
    if (!call.administers() && !call.user.has_tag("policymaker"))
        return reply(unauthorised("User not authorised to access object"));
    auto rows = parameter_rows(desk, call["component"], call.vhost());
    if (!call.administers())
        std::erase_if(rows, [&](const Json& one) {
            return !desk.users.may_enter(call.user.name, one["vhost"].get_ref<const std::string&>());
        });
    list(desk, call, Listing::of(std::move(rows)), reply);
}

std::optional<Json> find(const Desk& desk, const Call& call) {
    for (Json& one : parameter_rows(desk, call["component"], call.vhost()))
        if (one["name"] == call["name"]) return std::move(one);
    return std::nullopt;
}

Response show_parameter(Desk& desk, const Call& call) {
    auto found = find(desk, call);
    return found ? one(call, *std::move(found)) : not_found();
}

/// The administrator's, though these routes are there for the policymaker as well; and the original keeps
/// policies to their own routes.
std::optional<Response> refuse_component(const Call& call) {
    const std::string_view component = call["component"];
    if (component == "policy") return failed({Errc::invalid, "policies may not be set using this method"});
    if ((component == operator_policy || component == vhost_limits) && !call.administers())
        return unauthorised("Not administrator user");
    return std::nullopt;
}

Response put_parameter_here(Desk& desk, const Call& call) {
    if (auto refused = refuse_component(call)) return *std::move(refused);
    const auto body = parse_body(call.request.body);
    if (!body) return failed(body.error());
    if (auto all = require(*body, {"value"}); !all) return failed(all.error());
    const bool there = find(desk, call).has_value();
    auto put = put_parameter(desk, call["component"], desk.host_of(call), call["name"], (*body)["value"]);
    return put ? made(there) : failed(put.error());
}

Response delete_parameter(Desk& desk, const Call& call) {
    if (auto refused = refuse_component(call)) return *std::move(refused);
    VirtualHost& host = desk.host_of(call);
    if (!find(desk, call)) return not_found();
    if (call["component"] == operator_policy) return gone(host.delete_policy(call["name"], true));
    if (call["component"] == vhost_limits) return gone(host.set_limits({}));
    return gone(desk.parameters.erase(call["component"], call.vhost(), call["name"]));
}

void list_globals(Desk& desk, Call call, http::Reply reply) {
    list(desk, call, Listing::of(global_parameter_rows(desk)), reply);
}

Response show_global(Desk& desk, const Call& call) {
    const Json* value = desk.parameters.find(Parameters::global, "", call["name"]);
    return value ? answer({{"name", call["name"]}, {"value", *value}}) : not_found();
}

Response put_global(Desk& desk, const Call& call) {
    const auto body = parse_body(call.request.body);
    if (!body) return failed(body.error());
    if (auto all = require(*body, {"value"}); !all) return failed(all.error());
    const bool there = desk.parameters.find(Parameters::global, "", call["name"]) != nullptr;
    auto put = desk.parameters.put(Parameters::global, "", call["name"], (*body)["value"]);
    return put ? made(there) : failed(put.error());
}

Response delete_global(Desk& desk, const Call& call) {
    return gone(desk.parameters.erase(Parameters::global, "", call["name"]));
}

}  // namespace

std::vector<Json> parameter_rows(const Desk& desk, std::string_view component, std::string_view vhost) {
    std::vector<Json> rows;
    const auto wanted = [&](std::string_view of, std::string_view in) {
        return (component.empty() || component == of) && (vhost.empty() || vhost == in);
    };
    desk.hosts.each([&](const VirtualHost& host) {
        if (wanted(operator_policy, host.name()))
            host.each_policy(true, [&](const exchange::Policy& policy) {
                rows.push_back(row(operator_policy, host.name(), policy.name, policy_value(policy)));
            });
        if (wanted(vhost_limits, host.name()) && host.limits() != exchange::HostLimits())
            rows.push_back(row(vhost_limits, host.name(), limits, limits_json(host.limits())));
    });
    for (const std::string_view plugin : of_plugins)
        desk.parameters.each(plugin, [&](const std::string& in, const std::string& name, const Json& value) {
            if (wanted(plugin, in)) rows.push_back(row(plugin, in, name, value));
        });
    return rows;
}

std::vector<Json> global_parameter_rows(const Desk& desk) {
    std::vector<Json> rows;
    desk.parameters.each(Parameters::global,
                         [&](const std::string&, const std::string& name, const Json& value) {
                             rows.push_back({{"name", name}, {"value", value}});
                         });
    return rows;
}

Result<void> put_parameter(Desk& desk, std::string_view component, VirtualHost& host, std::string_view name,
                           const Json& value) {
    if (component == vhost_limits) {
        if (!value.is_object() && !(value.is_array() && value.empty()))
            return Error{Errc::invalid, "not_an_object: value"};
        return put_limits(host, value, true);
    }
    if (component == operator_policy || component == "policy") {
        if (!value.is_object()) return Error{Errc::invalid, "not_an_object: value"};
        return put_policy(host, name, value, component == operator_policy);
    }
    if (std::find(of_plugins.begin(), of_plugins.end(), component) == of_plugins.end())
        return Error{Errc::invalid, fmt::format("Validation failed\n\ncomponent {} not found\n", component)};
    if (auto put = desk.parameters.put(component, host.name(), name, value); !put) return put;
    log_warn("management", "parameter '{}' of {} is kept and does nothing: there is no {} here", name,
             component, component);
    return {};
}

void add_parameters(Routes& routes) {
    routes.get("/parameters", Needs::login, &list_parameters);
    routes.get("/parameters/{component}", Needs::login, &list_parameters);
    routes.get("/parameters/{component}/{vhost}", Needs::policymaker, &list_parameters);
    routes.get("/parameters/{component}/{vhost}/{name}", Needs::policymaker, &show_parameter);
    routes.put("/parameters/{component}/{vhost}/{name}", Needs::policymaker, &put_parameter_here);
    routes.del("/parameters/{component}/{vhost}/{name}", Needs::policymaker, &delete_parameter);
    routes.get("/global-parameters", Needs::policymaker, &list_globals);
    routes.get("/global-parameters/{name}", Needs::policymaker, &show_global);
    routes.put("/global-parameters/{name}", Needs::policymaker, &put_global);
    routes.del("/global-parameters/{name}", Needs::policymaker, &delete_global);
}

}  // namespace posthorn::management
