#include <fmt/format.h>

#include <charconv>

#include "desk.h"
#include "nouns.h"

namespace posthorn::management {
namespace {

using http::Response;
using Kind = exchange::Alarms::Kind;

Response well(Json more = Json::object()) {
    more["status"] = "ok";
    return answer(more);
}

Response unwell(std::string_view reason, Json more = Json::object()) {
    more["status"] = "failed";
    more["reason"] = reason;
    return answer(more, 503);
}

Json alarm_rows(const Desk& desk) {
    Json rows = Json::array();
    for (const auto& [kind, resource] : {std::pair{Kind::memory, "memory"}, std::pair{Kind::disk, "disk"}})
        if (desk.alarms.raised(kind)) rows.push_back({{"node", desk.options.node}, {"resource", resource}});
    return rows;
}

Response check_alarms(Desk& desk, const Call&) {
    const Json rows = alarm_rows(desk);
    return rows.empty() ? well() : unwell("There are alarms in effect in the cluster", {{"alarms", rows}});
}

Response check_local_alarms(Desk& desk, const Call&) {
    const Json rows = alarm_rows(desk);
    return rows.empty() ? well() : unwell("There are alarms in effect on the node", {{"alarms", rows}});
}

Response check_nothing(Desk&, const Call&) {
    return well();
}

Response check_single_node(Desk&, const Call&) {
    return well({{"reason", "single node cluster"}});
}

Response check_port(Desk& desk, const Call& call) {
    const std::string_view text = call["port"];
    unsigned port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port == 0 || port > 65'535)
        return failed({Errc::invalid, fmt::format("'{}' is no port", text)});
    Json ports = Json::array();
    for (const Listener& listener : desk.sessions.listeners()) {
        if (listener.port == port) return well({{"port", port}});
        ports.push_back(listener.port);
    }
    return unwell("No active listener", {{"missing", port}, {"ports", ports}});
}

Response check_protocol(Desk& desk, const Call& call) {
    std::string wanted(call["protocol"]);
    if (wanted == "amqp091" || wanted == "amqp0.9.1") wanted = "amqp";
    if (wanted == "amqps") wanted = "amqp/ssl";
    Json protocols = Json::array();
    for (const Listener& listener : desk.sessions.listeners()) {
        if (listener.protocol == wanted) return well({{"protocol", call["protocol"]}});
        protocols.push_back(listener.protocol);
    }
    return unwell("No active listener", {{"missing", call["protocol"]}, {"protocols", protocols}});
}

/// Makes a queue, puts a message into it and takes it out again.
void test_aliveness(Desk& desk, Call call, http::Reply reply) {
    static constexpr const char* name = "aliveness-test";
    exchange::VirtualHost& host = desk.host_of(call);
    for (const auth::Right right : {auth::Right::configure, auth::Right::write, auth::Right::read})
        if (auto may = desk.may(call, right, "queue", name); !may) return reply(failed(may.error()));
    exchange::QueueSpec spec;
    spec.name = name;
    const auto queue = host.declare_queue(spec);
    if (!queue) return reply(failed(queue.error()));
    Message message;
    message.key = name;
    message.body = "test_message";
    const auto published = desk.sessions.publish(host, message);
    if (!published) return reply(failed(published.error()));
    desk.jobs.add([&desk, vhost = host.name(), reply, tries = 1'000]() mutable {
        exchange::VirtualHost* const in = desk.hosts.find(vhost);
        exchange::Queue* const from = in ? in->queue(name) : nullptr;
        if (!from) {
            reply(failed({Errc::not_found, "the queue of the test has gone"}));
            return Jobs::Left::nothing;
        }
        const auto got = in->get(*from, true, [](const broker::Stored&, const exchange::Delivery&) {});
        if (got && *got == exchange::VirtualHost::Got::later && --tries > 0) return Jobs::Left::later;
        const bool alive = got && *got == exchange::VirtualHost::Got::message;
        reply(alive ? well() : unwell("the message did not come back"));
        return Jobs::Left::nothing;
    });
}

Response check_node(Desk& desk, const Call&) {
    if (const auto refusing = desk.broker.refusing())
        return answer({{"status", "failed"}, {"reason", refusing->message}});
    return well();
}

}  // namespace

void add_health(Routes& routes) {
    routes.get("/health/checks/alarms", Needs::login, &check_alarms);
    routes.get("/health/checks/local-alarms", Needs::login, &check_local_alarms);
    routes.get("/health/checks/virtual-hosts", Needs::login, &check_nothing);
    routes.get("/health/checks/certificate-expiration/{within}/{unit}", Needs::login, &check_nothing);
    routes.get("/health/checks/node-is-quorum-critical", Needs::login, &check_single_node);
    routes.get("/health/checks/node-is-mirror-sync-critical", Needs::login, &check_single_node);
    routes.get("/health/checks/port-listener/{port}", Needs::login, &check_port);
    routes.get("/health/checks/protocol-listener/{protocol}", Needs::login, &check_protocol);
    routes.get("/health/checks/is-in-service", Needs::login, &check_nothing);
    routes.get("/aliveness-test/{vhost}", Needs::vhost, &test_aliveness);
    routes.get("/healthchecks/node", Needs::login, &check_node);
    routes.get("/healthchecks/node/{node}", Needs::login, &check_node);
}

}  // namespace posthorn::management
