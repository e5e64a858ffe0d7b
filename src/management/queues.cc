#include "desk.h"
#include "listing.h"
#include "nouns.h"
#include "rows.h"

namespace posthorn::management {
namespace {

using auth::Right;
using exchange::VirtualHost;
using http::Response;

/// Nobody: exclusive queues belong to connections.
constexpr exchange::OwnerId nobody = 0;

Result<exchange::QueueSpec> spec_of(std::string_view name, const Json& body) {
    exchange::QueueSpec spec;
    spec.name = name;
    auto durable = flag_in(body, "durable", false);
    auto auto_delete = flag_in(body, "auto_delete", false);
    auto arguments = arguments_in(body, "arguments");
    if (!durable) return durable.error();
    if (!auto_delete) return auto_delete.error();
    if (!arguments) return arguments.error();
    spec.durable = *durable, spec.auto_delete = *auto_delete, spec.arguments = *std::move(arguments);
    return spec;
}

void list_queues(Desk& desk, Call call, http::Reply reply) {
    Listing listing;
    listing.walk = walk_queues(desk, desk.hosts_for(call));
    listing.row = [&desk](const Listing::Entry& entry) -> std::optional<Json> {
        VirtualHost* const host = desk.hosts.find(entry.vhost);
        const auto* queue = host ? host->queue(entry.name) : nullptr;
        if (!queue) return std::nullopt;
        return queue_row(desk, *host, *queue);
    };
    list(desk, call, std::move(listing), reply);
}

Response show_queue(Desk& desk, const Call& call) {
    VirtualHost& host = desk.host_of(call);
    const auto* queue = host.queue(call["name"]);
    if (!queue) return not_found();
    Json row = queue_row(desk, host, *queue);
    row["incoming"] = row["deliveries"] = row["consumer_details"] = Json::array();
    if (queue->counts().consumers > 0)
        desk.sessions.each_consumer([&](const Consumer& consumer) {
            if (consumer.queue == queue->spec().name && consumer.virtual_host == host.name())
                row["consumer_details"].push_back(consumer_row(desk, consumer));
        });
    return one(call, std::move(row));
}

Response put_queue(Desk& desk, const Call& call) {
    VirtualHost& host = desk.host_of(call);
    const auto body = parse_body(call.request.body);
    if (!body) return failed(body.error());
    const auto spec = spec_of(call["name"], *body);
    if (!spec) return failed(spec.error());
    if (spec->name.empty()) return failed({Errc::invalid, "a queue needs a name"});
    if (auto may = desk.may(call, Right::configure, "queue", spec->name); !may) return failed(may.error());
    if (const auto* grave = spec->arguments.find("x-dead-letter-exchange"); grave && grave->text()) {
        if (auto may = desk.may(call, Right::read, "queue", spec->name); !may) return failed(may.error());
        if (auto may = desk.may(call, Right::write, "exchange", *grave->text()); !may)
            return failed(may.error());
    }
    const bool there = host.queue(spec->name) != nullptr;
    if (auto declared = host.declare_queue(*spec); !declared) return failed(declared.error());
    ++desk.queues_declared;
    if (!there) ++desk.queues_created;
    return made(there);
}

Response delete_queue(Desk& desk, const Call& call) {
    VirtualHost& host = desk.host_of(call);
    const std::string_view name = call["name"];
    const bool there = host.queue(name) != nullptr;
    if (auto may = desk.may(call, Right::configure, "queue", name); !may && there) return failed(may.error());
    // Also one that has gone: its going may be on the way to the disk.
    const auto deleted = host.delete_queue(name, call.request.query("if-unused") == "true",
                                           call.request.query("if-empty") == "true", nobody);
    if (!there) return not_found();
    if (!deleted) return failed(deleted.error());
    ++desk.queues_deleted;
    return no_content();
}

Response purge_queue(Desk& desk, const Call& call) {
    VirtualHost& host = desk.host_of(call);
    if (!host.queue(call["name"])) return not_found();
    if (auto may = desk.may(call, Right::read, "queue", call["name"]); !may) return failed(may.error());
    const auto purged = host.purge_queue(call["name"], nobody);
    return purged ? no_content() : failed(purged.error());
}

/// Of clusters: {"action":"sync"}. There is nothing to do on one node.
Response act_on_queue(Desk& desk, const Call& call) {
    return desk.host_of(call).queue(call["name"]) ? no_content() : not_found();
}

}  // namespace

void add_queues(Routes& routes) {
    routes.get("/queues", Needs::login, &list_queues);
    routes.get("/queues/{vhost}", Needs::vhost, &list_queues);
    routes.get("/queues/{vhost}/{name}", Needs::vhost, &show_queue);
    routes.put("/queues/{vhost}/{name}", Needs::vhost, &put_queue);
    routes.del("/queues/{vhost}/{name}", Needs::vhost, &delete_queue);
    routes.del("/queues/{vhost}/{name}/contents", Needs::vhost, &purge_queue);
    routes.post("/queues/{vhost}/{name}/actions", Needs::administrator, &act_on_queue);
}

}  // namespace posthorn::management
