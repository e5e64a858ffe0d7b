#include "policies.h"

#include <fmt/format.h>

#include <array>

#include "desk.h"
#include "listing.h"
#include "nouns.h"

namespace posthorn::management {
namespace {

using exchange::Policy;
using exchange::VirtualHost;
using http::Response;

constexpr std::array<std::pair<const char*, Policy::Applies>, 6> applies{
    {{"all", Policy::Applies::all},
     {"queues", Policy::Applies::queues},
     {"classic_queues", Policy::Applies::classic_queues},
     {"quorum_queues", Policy::Applies::quorum_queues},
     {"streams", Policy::Applies::streams},
     {"exchanges", Policy::Applies::exchanges}}};

const char* name_of(Policy::Applies to) {
    for (const auto& [name, value] : applies)
        if (value == to) return name;
    return "all";
}

Error invalid(std::string_view why) {
    return {Errc::invalid, fmt::format("Validation failed\n\n{}\n", why)};
}

const Policy* find(const VirtualHost& host, std::string_view name, bool of_operator) {
    const Policy* found = nullptr;
    host.each_policy(of_operator, [&](const Policy& policy) {
        if (policy.name == name) found = &policy;
    });
    return found;
}

template <bool of_operator>
void list_policies(Desk& desk, Call call, http::Reply reply) {
    std::vector<Json> rows;
    for (VirtualHost* host : desk.hosts_for(call))
        host->each_policy(of_operator,
                          [&](const Policy& policy) { rows.push_back(policy_row(host->name(), policy)); });
    list(desk, call, Listing::of(std::move(rows)), reply);
}

template <bool of_operator>
Response show_policy(Desk& desk, const Call& call) {
    const Policy* policy = find(desk.host_of(call), call["name"], of_operator);
    return policy ? one(call, policy_row(call.vhost(), *policy)) : not_found();
}

template <bool of_operator>
Response put_policy_here(Desk& desk, const Call& call) {
    VirtualHost& host = desk.host_of(call);
    const auto body = parse_body(call.request.body);
    if (!body) return failed(body.error());
    const bool there = find(host, call["name"], of_operator) != nullptr;
    if (auto put = put_policy(host, call["name"], *body, of_operator); !put) return failed(put.error());
    return made(there);
}

template <bool of_operator>
Response delete_policy(Desk& desk, const Call& call) {
    return gone(desk.host_of(call).delete_policy(call["name"], of_operator));
}

}  // namespace

Json policy_row(std::string_view vhost, const Policy& policy) {
    return {{"vhost", vhost},
            {"name", policy.name},
            {"pattern", policy.pattern},
            {"apply-to", name_of(policy.applies)},
            {"definition", json_of(policy.definition)},
            {"priority", policy.priority}};
}

Json policy_value(const Policy& policy) {
    Json value = policy_row("", policy);
    value.erase("vhost");
    value.erase("name");
    return value;
}

Result<void> put_policy(VirtualHost& host, std::string_view name, const Json& body, bool of_operator) {
    if (auto all = require(body, {"pattern", "definition"}); !all) return all;
    Policy policy;
    policy.name = name;
    auto pattern = text_in(body, "pattern", "");
    auto definition = arguments_in(body, "definition");
    auto applies_to = text_in(body, "apply-to", "all");
    const auto priority = number_in(body, "priority", 0);
    if (!pattern) return pattern.error();
    if (!definition) return definition.error();
    if (!applies_to) return applies_to.error();
    if (!priority || *priority < INT32_MIN || *priority > INT32_MAX)
        return invalid(
            fmt::format("priority should be a number, actually was {}", text_of(body["priority"])));
    policy.pattern = *std::move(pattern), policy.definition = *std::move(definition);
    policy.priority = static_cast<std::int32_t>(*priority);
    bool known = false;
    for (const auto& [word, value] : applies)
        if (*applies_to == word) policy.applies = value, known = true;
    if (!known)
        return invalid(
            fmt::format("apply-to '{}' unrecognised; should be 'queues', 'exchanges' or 'all'", *applies_to));
    auto put = host.put_policy(policy, of_operator);
    if (!put && put.error().code == Errc::invalid) return invalid(put.error().message);
    return put;
}

void add_policies(Routes& routes) {
    routes.get("/policies", Needs::login, &list_policies<false>);
    routes.get("/policies/{vhost}", Needs::vhost, &list_policies<false>);
    routes.get("/policies/{vhost}/{name}", Needs::vhost, &show_policy<false>);
    routes.put("/policies/{vhost}/{name}", Needs::policymaker, &put_policy_here<false>);
    routes.del("/policies/{vhost}/{name}", Needs::policymaker, &delete_policy<false>);
    routes.get("/operator-policies", Needs::login, &list_policies<true>);
    routes.get("/operator-policies/{vhost}", Needs::vhost, &list_policies<true>);
    routes.get("/operator-policies/{vhost}/{name}", Needs::vhost, &show_policy<true>);
    routes.put("/operator-policies/{vhost}/{name}", Needs::administrator, &put_policy_here<true>);
    routes.del("/operator-policies/{vhost}/{name}", Needs::administrator, &delete_policy<true>);
}

}  // namespace posthorn::management
