#include <fmt/format.h>

#include <utility>

#include "bindings.h"
#include "desk.h"
#include "listing.h"
#include "nouns.h"
#include "policies.h"
#include "rows.h"
#include "runtime_parameters.h"
#include "stream.h"
#include "users.h"

namespace posthorn::management {
namespace {

using exchange::VirtualHost;
using http::Response;

bool is_made_by_server(std::string_view exchange) {
    return exchange.empty() || exchange.starts_with("amq.");
}

using Hosts = std::vector<VirtualHost*>;

/// Whose definitions: of one virtual host, or of all; then each thing says where it is.
struct Scope {
    Desk& desk;
    Hosts hosts;
    bool whole;

    Json placed(Json row, const std::string& vhost) const {
        if (whole)
            row["vhost"] = vhost;
        else
            row.erase("vhost");
        return row;
    }
};

/// A row takes about four microseconds.
constexpr std::size_t rows_per_share = 512;

Listing listing_of(Listing::Walk walk, Listing::Row row) {
    return {std::move(walk), std::move(row), rows_per_share};
}

/// What a connection has for itself is left out.
Listing queues_of(const Scope& scope) {
    return listing_of(walk_queues(scope.desk, scope.hosts),
                      [scope](const Listing::Entry& at) -> std::optional<Json> {
                          const VirtualHost* const host = scope.desk.hosts.find(at.vhost);
                          const exchange::Queue* const queue = host ? host->queue(at.name) : nullptr;
                          if (!queue || queue->spec().exclusive) return std::nullopt;
                          const exchange::QueueSpec& spec = queue->spec();
                          return scope.placed({{"name", spec.name},
                                               {"durable", spec.durable},
                                               {"auto_delete", spec.auto_delete},
                                               {"arguments", json_of(spec.arguments)}},
                                              at.vhost);
                      });
}

/// Without those the server makes itself.
Listing exchanges_of(const Scope& scope) {
    return listing_of(walk_exchanges(scope.desk, scope.hosts),
                      [scope](const Listing::Entry& at) -> std::optional<Json> {
                          const VirtualHost* const host = scope.desk.hosts.find(at.vhost);
                          const exchange::ExchangeSpec* const spec = host ? host->exchange(at.name) : nullptr;
                          if (!spec || is_made_by_server(spec->name)) return std::nullopt;
                          return scope.placed({{"name", spec->name},
                                               {"type", spec->type},
                                               {"durable", spec->durable},
                                               {"auto_delete", spec->auto_delete},
                                               {"internal", spec->internal},
                                               {"arguments", json_of(spec->arguments)}},
                                              at.vhost);
                      });
}

/// Without those of the default exchange, and those to what is left out.
Listing bindings_of(const Scope& scope) {
    return listing_of(
        walk_bindings(scope.desk, scope.hosts), [scope](const Listing::Entry& at) -> std::optional<Json> {
            const VirtualHost* const host = scope.desk.hosts.find(at.vhost);
            const auto binding = host ? binding_at(*host, at.name) : std::nullopt;
            if (!binding) return std::nullopt;
            if (binding->kind == exchange::DestinationKind::queue)
                if (const auto* queue = host->queue(binding->destination); !queue || queue->spec().exclusive)
                    return std::nullopt;
            Json row = binding_row(at.vhost, *binding);
            row.erase("properties_key");
            return scope.placed(std::move(row), at.vhost);
        });
}

Listing policies_of(const Scope& scope) {
    std::vector<Json> rows;
    for (const VirtualHost* host : scope.hosts)
        host->each_policy(false, [&](const exchange::Policy& policy) {
            rows.push_back(scope.placed(policy_row(host->name(), policy), host->name()));
        });
    return Listing::of(std::move(rows));
}

Listing parameters_of(const Scope& scope) {
    std::vector<Json> rows;
    for (const VirtualHost* host : scope.hosts)
        for (Json& row : parameter_rows(scope.desk, {}, host->name()))
            rows.push_back(scope.placed(std::move(row), host->name()));
    return Listing::of(std::move(rows));
}

Listing users_of(const Desk& desk) {
    std::vector<Json> rows;
    desk.users.each_user([&](const auth::User& user) { rows.push_back(user_row(user)); });
    return Listing::of(std::move(rows));
}

Listing permissions_of(const Desk& desk) {
    std::vector<Json> rows;
    desk.users.each_permission(
        [&](const std::string& user, const std::string& vhost, const auth::Permission& may) {
            rows.push_back(permission_row(user, vhost, may));
        });
    return Listing::of(std::move(rows));
}

Listing topic_permissions_of(const Desk& desk) {
    std::vector<Json> rows;
    desk.users.each_topic_permission(
        [&](const std::string& user, const std::string& vhost, const auth::TopicPermission& may) {
            rows.push_back(topic_permission_row(user, vhost, may));
        });
    return Listing::of(std::move(rows));
}

Listing vhosts_of(const Desk& desk) {
    std::vector<Json> rows;
    desk.hosts.each([&](const VirtualHost& host) {
        Json row{{"name", host.name()}};
        if (const Json* metadata = desk.parameters.find(Parameters::vhost_metadata, host.name(), ""))
            row["metadata"] = *metadata;
        rows.push_back(std::move(row));
    });
    return Listing::of(std::move(rows));
}

/// Definitions on their way out: an object of arrays, the small ones gathered at the beginning, the others
/// walked. What changes meanwhile may be in it or not.
class Export {
  public:
    /// `versions`: what stands beside the arrays.
    explicit Export(const Json& versions) : text_(text_of(versions)) { text_.pop_back(); }

    void add(const char* name, Listing listing) { sections_.push_back({name, Items(std::move(listing))}); }

    Jobs::Left share(std::string& text) {
        text += std::exchange(text_, {});
        if (at_ == sections_.size()) {
            text += "}";
            return Jobs::Left::nothing;
        }
        Section& section = sections_[at_];
        if (!std::exchange(section.begun, true)) text += fmt::format(",\"{}\":[", section.name);
        if (!section.items.add_to(text)) {
            text += "]";
            ++at_;
        }
        return Jobs::Left::more;
    }

  private:
    struct Section {
        const char* name;
        Items items;
        bool begun = false;
    };
    std::string text_;
    std::vector<Section> sections_;
    std::size_t at_ = 0;
};

/// A browser keeps it as a file if the query says so.
Response head_for(const Call& call) {
    Response head;
    std::string name = call.request.query("download");
    std::erase_if(name, [](char c) { return c == '"' || static_cast<unsigned char>(c) < 0x20; });
    if (!name.empty())
        head.headers.emplace_back("Content-Disposition", fmt::format("attachment; filename=\"{}\"", name));
    return head;
}

void add_names(const Scope& scope, Export& out) {
    out.add("parameters", parameters_of(scope));
    out.add("policies", policies_of(scope));
    out.add("queues", queues_of(scope));
    out.add("exchanges", exchanges_of(scope));
    out.add("bindings", bindings_of(scope));
}

void send(Desk& desk, const Call& call, std::shared_ptr<Export> out, http::Reply reply) {
    stream(
        desk.jobs, [out = std::move(out)](std::string& text) { return out->share(text); }, head_for(call),
        std::move(reply));
}

void export_all(Desk& desk, Call call, http::Reply reply) {
    Scope scope{desk, {}, true};
    desk.hosts.each([&](VirtualHost& host) { scope.hosts.push_back(&host); });
    const std::string& version = desk.options.rabbitmq_version;
    auto out = std::make_shared<Export>(Json{{"rabbit_version", version},
                                             {"rabbitmq_version", version},
                                             {"product_version", version},
                                             {"product_name", "RabbitMQ"},
                                             {"posthorn_version", desk.options.version}});
    out->add("users", users_of(desk));
    out->add("vhosts", vhosts_of(desk));
    out->add("permissions", permissions_of(desk));
    out->add("topic_permissions", topic_permissions_of(desk));
    out->add("global_parameters", Listing::of(global_parameter_rows(desk)));
    add_names(scope, *out);
    send(desk, call, std::move(out), std::move(reply));
}

void export_vhost(Desk& desk, Call call, http::Reply reply) {
    auto out = std::make_shared<Export>(Json{{"rabbit_version", desk.options.rabbitmq_version}});
    add_names({desk, {&desk.host_of(call)}, false}, *out);
    send(desk, call, std::move(out), std::move(reply));
}

}  // namespace

void add_definitions_export(Routes& routes) {
    routes.get("/definitions", Needs::administrator, &export_all);
    routes.get("/definitions/{vhost}", Needs::administrator, &export_vhost);
}

}  // namespace posthorn::management
