#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <thread>

#include "desk.h"
#include "listing.h"
#include "nouns.h"
#include "overview.h"
#include "rows.h"

namespace posthorn::management {
namespace {

using http::Response;

/// More open files are not counted one by one.
constexpr std::uint64_t files_counted_max = 4'096;

Json exchange_types() {
    static constexpr std::array types{
        std::pair{"direct", "AMQP direct exchange, as per the AMQP specification"},
        std::pair{"fanout", "AMQP fanout exchange, as per the AMQP specification"},
        std::pair{"headers", "AMQP headers exchange, as per the AMQP specification"},
        std::pair{"topic", "AMQP topic exchange, as per the AMQP specification"},
        std::pair{"x-consistent-hash", "Consistent Hashing Exchange"},
        std::pair{"x-delayed-message", "Delayed Message Exchange"},
        std::pair{"x-random", "Random exchange"},
    };
    Json json = Json::array();
    for (const auto& [name, description] : types)
        json.push_back({{"name", name}, {"description", description}, {"enabled", true}});
    return json;
}

Json listeners(const Desk& desk) {
    Json json = Json::array();
    for (const Listener& listener : desk.sessions.listeners())
        json.push_back({{"node", desk.options.node},
                        {"protocol", listener.protocol},
                        {"ip_address", listener.address},
                        {"port", listener.port},
                        {"socket_opts", Json::object()}});
    return json;
}

Json contexts(const Desk& desk) {
    Json json = Json::array();
    for (const Listener& listener : desk.sessions.listeners())
        if (listener.protocol == "http")
            json.push_back({{"node", desk.options.node},
                            {"description", "RabbitMQ Management"},
                            {"path", "/"},
                            {"ip", listener.address},
                            {"port", std::to_string(listener.port)},
                            {"ssl_opts", Json::array()}});
    return json;
}

Json queue_totals_json(Desk& desk, const Call& call, const HostTotals& totals) {
    Json json = Json::object();
    // Who does not see everything has sums of his own.
    add_levels(desk, json, "overview queues" + (call.monitors() ? "" : ' ' + call.user.name), totals.ready,
               totals.unacked);
    return json;
}

Json churn_rates(Desk& desk, const SessionTotals& totals) {
    const std::array<Counter, 7> counters{{{"channel_closed", totals.channels_closed},
                                           {"channel_created", totals.channels_opened},
                                           {"connection_closed", totals.connections_closed},
                                           {"connection_created", totals.connections_opened},
                                           {"queue_created", totals.queues_created + desk.queues_created},
                                           {"queue_declared", totals.queues_declared + desk.queues_declared},
                                           {"queue_deleted", totals.queues_deleted + desk.queues_deleted}}};
    return counters_json(desk, "overview churn", counters, {});
}

MessageCounts all_messages(const Desk& desk, MessageCounts counts) {
    counts.published += desk.messages.published, counts.confirmed += desk.messages.confirmed;
    counts.returned_unroutable += desk.messages.returned_unroutable;
    counts.got += desk.messages.got, counts.got_empty += desk.messages.got_empty;
    return counts;
}

Response show_overview(Desk& desk, const Call& call) {
    const SessionTotals sessions = desk.sessions.totals();
    const HostTotals totals = desk.census.of_all_for(call);
    const std::string& version = desk.options.rabbitmq_version;
    Json json{
        {"management_version", version},
        {"rates_mode", "basic"},
        {"sample_retention_policies",
         {{"global", Json::array({600})}, {"basic", Json::array({600})}, {"detailed", Json::array({600})}}},
        {"exchange_types", exchange_types()},
        {"product_name", "RabbitMQ"},
        {"product_version", version},
        {"rabbitmq_version", version},
        {"posthorn_version", desk.options.version},
        {"cluster_name", desk.cluster_name()},
        {"erlang_version", "none"},
        {"erlang_full_version", fmt::format("none: this is Posthorn {}", desk.options.version)},
        {"release_series_support_status", "supported"},
        {"disable_stats", false},
        {"enable_queue_totals", false},
        {"statistics_db_event_queue", 0},
        {"node", desk.options.node},
        {"queue_totals", queue_totals_json(desk, call, totals)},
        {"object_totals",
         {{"channels", sessions.channels},
          {"connections", sessions.connections},
          {"consumers", sessions.consumers},
          {"exchanges", totals.exchanges},
          {"queues", totals.queues}}}};
    json["message_stats"] = message_stats(desk, "overview messages", all_messages(desk, sessions.messages));
    if (call.monitors()) {
        json["churn_rates"] = churn_rates(desk, sessions);
        json["listeners"] = listeners(desk);
        json["contexts"] = contexts(desk);
    }
    return one(call, std::move(json));
}

Response who_am_i(Desk&, const Call& call) {
    return answer({{"name", call.user.name}, {"tags", call.user.tags}});
}

std::uint64_t open_files(std::uint64_t sockets) {
    if (sockets > files_counted_max) return sockets;
    std::error_code error;
    std::uint64_t count = 0;
    for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end;
         at.increment(error))
        ++count;
    return count;
}

Json node_row(Desk& desk) {
    const SessionTotals sessions = desk.sessions.totals();
    const exchange::Alarms& alarms = desk.alarms;
    using Kind = exchange::Alarms::Kind;
    const std::int64_t descriptors = ::sysconf(_SC_OPEN_MAX);
    Json row{{"name", desk.options.node},
             {"type", "disc"},
             {"running", true},
             {"being_drained", false},
             {"os_pid", std::to_string(::getpid())},
             {"uptime", desk.broker.now().wall_ms - desk.options.started_wall_ms},
             {"rates_mode", "basic"},
             {"processors", std::thread::hardware_concurrency()},
             {"run_queue", 0},
             {"mem_limit", alarms.limits().memory_bytes},
             {"mem_alarm", alarms.raised(Kind::memory)},
             {"disk_free_limit", alarms.limits().disk_free_bytes},
             {"disk_free_alarm", alarms.raised(Kind::disk)},
             {"fd_total", descriptors},
             {"sockets_total", descriptors},
             {"proc_total", 1},
             {"db_dir", desk.options.data_directory},
             {"net_ticktime", 60}};
    for (const char* list : {"partitions", "applications", "cluster_links", "config_files", "log_files"})
        row[list] = Json::array();
    row["enabled_plugins"] = {"rabbitmq_management", "rabbitmq_prometheus"};
    row["exchange_types"] = exchange_types();
    row["auth_mechanisms"] = Json::array();
    for (const char* mechanism : {"AMQPLAIN", "PLAIN"})
        row["auth_mechanisms"].push_back(
            {{"name", mechanism}, {"description", mechanism}, {"enabled", true}});
    row["contexts"] = contexts(desk);
    add_level(row, "mem_used", alarms.memory_bytes());
    add_level(row, "disk_free", alarms.disk_free_bytes());
    add_level(row, "fd_used", open_files(sessions.connections));
    add_level(row, "sockets_used", sessions.connections);
    add_level(row, "proc_used", 1);
    row.update(churn_rates(desk, sessions));
    return row;
}

void list_nodes(Desk& desk, Call call, http::Reply reply) {
    list(desk, call, Listing::of({node_row(desk)}), reply);
}

Response show_node(Desk& desk, const Call& call) {
    return call["node"] == desk.options.node ? one(call, node_row(desk)) : not_found();
}

Response show_cluster_name(Desk& desk, const Call&) {
    return answer({{"name", desk.cluster_name()}});
}

Response put_cluster_name(Desk& desk, const Call& call) {
    const auto body = parse_body(call.request.body);
    if (!body) return failed(body.error());
    if (auto all = require(*body, {"name"}); !all) return failed(all.error());
    auto name = text_in(*body, "name", "");
    if (!name) return failed(name.error());
    return gone(desk.parameters.put(Parameters::global, "", "cluster_name", *std::move(name)));
}

// What pages and tools ask for before anything else.

Response extensions(Desk&, const Call&) {
    return answer(Json::array());
}

Response auth_settings(Desk&, const Call&) {
    return answer({{"enable_uaa", false}, {"uaa_client_id", ""}, {"uaa_location", ""}});
}

Response feature_flags(Desk&, const Call&) {
    Json json = Json::array();
    for (const char* name : {"drop_unroutable_metric", "empty_basic_get_metric", "implicit_default_bindings",
                             "quorum_queue", "user_limits", "virtual_host_metadata"})
        json.push_back({{"name", name},
                        {"desc", ""},
                        {"doc_url", ""},
                        {"state", "enabled"},
                        {"stability", "stable"},
                        {"provided_by", "rabbit"}});
    return answer(json);
}

}  // namespace

void note_overview(Desk& desk) {
    const SessionTotals sessions = desk.sessions.totals();
    message_stats(desk, "overview messages", all_messages(desk, sessions.messages));
    churn_rates(desk, sessions);
}

void add_overview(Routes& routes) {
    routes.get("/overview", Needs::login, &show_overview);
    routes.get("/whoami", Needs::login, &who_am_i);
    routes.get("/nodes", Needs::monitoring, &list_nodes);
    routes.get("/nodes/{node}", Needs::monitoring, &show_node);
    routes.get("/cluster-name", Needs::login, &show_cluster_name);
    routes.put("/cluster-name", Needs::administrator, &put_cluster_name);
    routes.get("/extensions", Needs::login, &extensions);
    routes.get("/auth", Needs::login, &auth_settings);
    routes.get("/feature-flags", Needs::administrator, &feature_flags);
}

}  // namespace posthorn::management
