#include <fmt/format.h>

#include <array>

#include "desk.h"
#include "nouns.h"
#include "policies.h"
#include "rows.h"
#include "runtime_parameters.h"
#include "users.h"
#include "vhosts.h"

namespace posthorn::management {
namespace {

using exchange::VirtualHost;
using http::Response;

// --- export ------------------------------------------------------------------------------------------------

bool is_made_by_server(std::string_view exchange) {
    return exchange.empty() || exchange.starts_with("amq.");
}

/// What a connection has for itself is left out, and what the server makes itself.
struct Names {
    Json queues = Json::array(), exchanges = Json::array(), bindings = Json::array(),
         policies = Json::array(), parameters = Json::array();
};

/// `whole`: the definitions of all virtual hosts; each thing says where it is.
void put_vhost_name(Json& row, bool whole, const VirtualHost& host) {
    if (whole) row["vhost"] = host.name();
}

void add_names(const Desk& desk, const VirtualHost& host, bool whole, Names& names) {
    host.each_queue([&](const exchange::Queue& queue) {
        const exchange::QueueSpec& spec = queue.spec();
        if (spec.exclusive) return;
        Json row{{"name", spec.name},
                 {"durable", spec.durable},
                 {"auto_delete", spec.auto_delete},
                 {"arguments", json_of(spec.arguments)}};
        put_vhost_name(row, whole, host);
        names.queues.push_back(std::move(row));
    });
    host.each_exchange([&](const exchange::ExchangeSpec& spec) {
        if (is_made_by_server(spec.name)) return;
        Json row{{"name", spec.name},         {"type", spec.type},
                 {"durable", spec.durable},   {"auto_delete", spec.auto_delete},
                 {"internal", spec.internal}, {"arguments", json_of(spec.arguments)}};
        put_vhost_name(row, whole, host);
        names.exchanges.push_back(std::move(row));
    });
    host.each_binding([&](const exchange::Binding& binding) {
        if (binding.source.empty()) return;
        if (binding.kind == exchange::DestinationKind::queue) {
            const auto* queue = host.queue(binding.destination);
            if (!queue || queue->spec().exclusive) return;
        }
        Json row = binding_row(host.name(), binding);
        row.erase("properties_key");
        if (!whole) row.erase("vhost");
        names.bindings.push_back(std::move(row));
    });
    host.each_policy(false, [&](const exchange::Policy& policy) {
        Json row = policy_row(host.name(), policy);
        if (!whole) row.erase("vhost");
        names.policies.push_back(std::move(row));
    });
    for (Json& row : parameter_rows(desk, {}, host.name())) {
        if (!whole) row.erase("vhost");
        names.parameters.push_back(std::move(row));
    }
}

Json named_rows(Names names) {
    return {{"queues", std::move(names.queues)},
            {"exchanges", std::move(names.exchanges)},
            {"bindings", std::move(names.bindings)},
            {"policies", std::move(names.policies)},
            {"parameters", std::move(names.parameters)}};
}

/// A browser keeps it as a file if the query says so.
Response as_file(const Call& call, Response response) {
    std::string name = call.request.query("download");
    std::erase_if(name, [](char c) { return c == '"' || static_cast<unsigned char>(c) < 0x20; });
    if (!name.empty())
        response.headers.emplace_back("Content-Disposition",
                                      fmt::format("attachment; filename=\"{}\"", name));
    return response;
}

Json users_json(const Desk& desk) {
    Json users = Json::array(), permissions = Json::array(), topics = Json::array();
    desk.users.each_user([&](const auth::User& user) { users.push_back(user_row(user)); });
    desk.users.each_permission(
        [&](const std::string& user, const std::string& vhost, const auth::Permission& may) {
            permissions.push_back(permission_row(user, vhost, may));
        });
    desk.users.each_topic_permission(
        [&](const std::string& user, const std::string& vhost, const auth::TopicPermission& may) {
            topics.push_back(topic_permission_row(user, vhost, may));
        });
    return {{"users", users}, {"permissions", permissions}, {"topic_permissions", topics}};
}

Response export_all(Desk& desk, const Call& call) {
    Names names;
    Json vhosts = Json::array();
    desk.hosts.each([&](const VirtualHost& host) {
        Json row{{"name", host.name()}};
        if (const Json* metadata = desk.parameters.find(Parameters::vhost_metadata, host.name(), ""))
            row["metadata"] = *metadata;
        vhosts.push_back(std::move(row));
        add_names(desk, host, true, names);
    });
    Json json = named_rows(std::move(names));
    json.update(users_json(desk));
    json["vhosts"] = std::move(vhosts);
    json["global_parameters"] = global_parameter_rows(desk);
    json["rabbit_version"] = json["rabbitmq_version"] = json["product_version"] =
        desk.options.rabbitmq_version;
    json["product_name"] = "RabbitMQ";
    json["posthorn_version"] = desk.options.version;
    return as_file(call, answer(json));
}

Response export_vhost(Desk& desk, const Call& call) {
    Names names;
    add_names(desk, desk.host_of(call), false, names);
    Json json = named_rows(std::move(names));
    json["rabbit_version"] = desk.options.rabbitmq_version;
    return as_file(call, answer(json));
}

// --- import ------------------------------------------------------------------------------------------------

/// One thing of a section. `vhost` is where it goes if it says nothing itself.
Result<VirtualHost*> host_for(Desk& desk, const Json& item, const std::string& vhost) {
    auto name = text_in(item, "vhost", vhost);
    if (!name) return name.error();
    if (VirtualHost* host = desk.hosts.find(*name)) return host;
    return Error{Errc::invalid, fmt::format("no_such_vhost: {}", *name)};
}

Result<void> import_user(Desk& desk, const Json& item, const std::string&) {
    const auto name = text_in(item, "name", "");
    return name ? put_user(desk.users, *name, item) : name.error();
}

Result<void> import_vhost(Desk& desk, const Json& item, const std::string&) {
    const auto name = text_in(item, "name", "");
    if (!name) return name.error();
    const auto metadata = item.find("metadata");
    return put_vhost(desk, *name, metadata != item.end() && metadata->is_object() ? *metadata : item, {});
}

Result<std::string> known_user(const Desk& desk, const Json& item) {
    auto user = text_in(item, "user", "");
    if (user && !desk.users.user(*user)) return Error{Errc::invalid, fmt::format("no_such_user: {}", *user)};
    return user;
}

Result<void> import_permission(Desk& desk, const Json& item, const std::string& vhost) {
    const auto user = known_user(desk, item);
    if (!user) return user.error();
    const auto host = host_for(desk, item, vhost);
    return host ? put_permission(desk.users, *user, (*host)->name(), item) : host.error();
}

Result<void> import_topic_permission(Desk& desk, const Json& item, const std::string& vhost) {
    const auto user = known_user(desk, item);
    if (!user) return user.error();
    const auto host = host_for(desk, item, vhost);
    return host ? put_topic_permission(desk.users, *user, (*host)->name(), item) : host.error();
}

Result<void> import_parameter(Desk& desk, const Json& item, const std::string& vhost) {
    if (auto all = require(item, {"component", "name", "value"}); !all) return all;
    const auto component = text_in(item, "component", ""), name = text_in(item, "name", "");
    if (!component) return component.error();
    if (!name) return name.error();
    const auto host = host_for(desk, item, vhost);
    return host ? put_parameter(desk, *component, **host, *name, item["value"]) : host.error();
}

Result<void> import_global(Desk& desk, const Json& item, const std::string&) {
    if (auto all = require(item, {"name", "value"}); !all) return all;
    const auto name = text_in(item, "name", "");
    if (!name) return name.error();
    desk.parameters.put(Parameters::global, "", *name, item["value"]);
    return {};
}

Result<void> import_policy(Desk& desk, const Json& item, const std::string& vhost) {
    const auto name = text_in(item, "name", "");
    if (!name) return name.error();
    const auto host = host_for(desk, item, vhost);
    return host ? put_policy(**host, *name, item, false) : host.error();
}

Result<void> import_queue(Desk& desk, const Json& item, const std::string& vhost) {
    const auto host = host_for(desk, item, vhost);
    if (!host) return host.error();
    exchange::QueueSpec spec;
    auto name = text_in(item, "name", "");
    auto durable = flag_in(item, "durable", true), auto_delete = flag_in(item, "auto_delete", false);
    auto arguments = arguments_in(item, "arguments");
    if (!name || name->empty()) return Error{Errc::invalid, "a queue needs a name"};
    if (!durable) return durable.error();
    if (!auto_delete) return auto_delete.error();
    if (!arguments) return arguments.error();
    if ((*host)->queue(*name)) return {};  // stays as it is, as in the original
    spec.name = *std::move(name), spec.durable = *durable, spec.auto_delete = *auto_delete;
    spec.arguments = *std::move(arguments);
    const auto declared = (*host)->declare_queue(spec);
    return declared ? Result<void>() : declared.error();
}

Result<void> import_exchange(Desk& desk, const Json& item, const std::string& vhost) {
    const auto host = host_for(desk, item, vhost);
    if (!host) return host.error();
    exchange::ExchangeSpec spec;
    auto name = text_in(item, "name", ""), type = text_in(item, "type", "direct");
    auto durable = flag_in(item, "durable", true), auto_delete = flag_in(item, "auto_delete", false),
         internal = flag_in(item, "internal", false);
    auto arguments = arguments_in(item, "arguments");
    if (!name || name->empty()) return Error{Errc::invalid, "an exchange needs a name"};
    if (!type) return type.error();
    for (const auto* flag : {&durable, &auto_delete, &internal})
        if (!flag->ok()) return flag->error();
    if (!arguments) return arguments.error();
    if ((*host)->exchange(*name)) return {};
    spec.name = *std::move(name), spec.type = *std::move(type), spec.arguments = *std::move(arguments);
    spec.durable = *durable, spec.auto_delete = *auto_delete, spec.internal = *internal;
    return (*host)->declare_exchange(spec);
}

Result<void> import_binding(Desk& desk, const Json& item, const std::string& vhost) {
    const auto host = host_for(desk, item, vhost);
    if (!host) return host.error();
    auto source = text_in(item, "source", ""), destination = text_in(item, "destination", ""),
         kind = text_in(item, "destination_type", "queue"), key = text_in(item, "routing_key", "");
    auto arguments = arguments_in(item, "arguments");
    for (const auto* text : {&source, &destination, &kind, &key})
        if (!text->ok()) return text->error();
    if (!arguments) return arguments.error();
    if (key->size() > 255) return Error{Errc::invalid, "a routing key has 255 bytes at most"};
    auto bound = (*host)->bind(
        {*source, *kind == "queue" ? exchange::DestinationKind::queue : exchange::DestinationKind::exchange,
         *destination, *key, *arguments},
        0);
    // The original says nothing when an end is missing; neither do we, so that its files go through.
    return bound || bound.error().code == Errc::not_found ? Result<void>() : bound;
}

using ImportOne = Result<void> (*)(Desk&, const Json&, const std::string& vhost);
struct Section {
    const char* name;
    ImportOne import;
    bool of_vhost;  ///< also in the definitions of one virtual host
};
/// In the order in which one needs the other.
constexpr std::array<Section, 10> sections{{{"users", &import_user, false},
                                            {"vhosts", &import_vhost, false},
                                            {"permissions", &import_permission, false},
                                            {"topic_permissions", &import_topic_permission, false},
                                            {"parameters", &import_parameter, true},
                                            {"global_parameters", &import_global, false},
                                            {"policies", &import_policy, true},
                                            {"queues", &import_queue, true},
                                            {"exchanges", &import_exchange, true},
                                            {"bindings", &import_binding, true}}};

/// Definitions on their way in: some per slice, until the first that cannot be taken. Those before it stay.
class Import {
  public:
    Import(Desk& desk, Json body, std::string vhost, http::Reply reply)
        : desk_(desk), body_(std::move(body)), vhost_(std::move(vhost)), reply_(std::move(reply)) {}

    bool step() {
        for (int n = 0; n < per_slice; ++n) {
            if (section_ == sections.size()) return done(no_content());
            const Section& section = sections[section_];
            const auto items = body_.find(section.name);
            if (items == body_.end() || !items->is_array() || item_ >= items->size() ||
                (!vhost_.empty() && !section.of_vhost)) {
                ++section_, item_ = 0;
                continue;
            }
            const Json& item = (*items)[item_++];
            if (!item.is_object())
                return done(
                    failed({Errc::invalid, fmt::format("{} has something that is no object", section.name)}));
            if (auto imported = section.import(desk_, item, vhost_); !imported)
                return done(
                    failed({Errc::invalid, fmt::format("{}: {}", section.name, imported.error().message)}));
        }
        return false;
    }

  private:
    static constexpr int per_slice = 64;
    bool done(Response response) {
        reply_(std::move(response));
        return true;
    }

    Desk& desk_;
    const Json body_;
    const std::string vhost_;
    const http::Reply reply_;
    std::size_t section_ = 0, item_ = 0;
};

void import(Desk& desk, Call call, http::Reply reply) {
    auto body = parse_body(call.request.body);
    if (!body) return reply(failed({Errc::invalid, "failed_to_parse_json"}));
    auto work = std::make_shared<Import>(desk, *std::move(body), std::string(call.vhost()), reply);
    desk.jobs.add([work] { return work->step(); });
}

}  // namespace

void add_definitions(Routes& routes) {
    routes.get("/definitions", Needs::administrator, &export_all);
    routes.post("/definitions", Needs::administrator, &import);
    routes.get("/definitions/{vhost}", Needs::administrator, &export_vhost);
    routes.post("/definitions/{vhost}", Needs::administrator, &import);
}

}  // namespace posthorn::management
