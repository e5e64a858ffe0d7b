#include "desk.h"
#include "listing.h"
#include "nouns.h"
#include "rows.h"

namespace posthorn::management {
namespace {

using auth::Right;
using exchange::VirtualHost;
using http::Response;

Result<exchange::ExchangeSpec> spec_of(std::string_view name, const Json& body) {
    exchange::ExchangeSpec spec;
    spec.name = name;
    auto type = text_in(body, "type", "direct");
    auto durable = flag_in(body, "durable", false);
    auto auto_delete = flag_in(body, "auto_delete", false);
    auto internal = flag_in(body, "internal", false);
    auto arguments = arguments_in(body, "arguments");
    if (!type) return type.error();
    for (const auto* flag : {&durable, &auto_delete, &internal})
        if (!flag->ok()) return flag->error();
    if (!arguments) return arguments.error();
    spec.type = *std::move(type), spec.arguments = *std::move(arguments);
    spec.durable = *durable, spec.auto_delete = *auto_delete, spec.internal = *internal;
    return spec;
}

void list_exchanges(Desk& desk, Call call, http::Reply reply) {
    Listing listing;
    listing.walk = walk_exchanges(desk, desk.hosts_for(call));
    listing.row = [&desk](const Listing::Entry& entry) -> std::optional<Json> {
        VirtualHost* const host = desk.hosts.find(entry.vhost);
        const auto* spec = host ? host->exchange(entry.name) : nullptr;
        if (!spec) return std::nullopt;
        return exchange_row(desk, *host, *spec);
    };
    list(desk, call, std::move(listing), reply);
}

Response show_exchange(Desk& desk, const Call& call) {
    VirtualHost& host = desk.host_of(call);
    const auto* spec = host.exchange(exchange_name(call["name"]));
    if (!spec) return not_found();
    Json row = exchange_row(desk, host, *spec);
    row["incoming"] = row["outgoing"] = Json::array();
    return one(call, std::move(row));
}

Response put_exchange(Desk& desk, const Call& call) {
    VirtualHost& host = desk.host_of(call);
    const auto body = parse_body(call.request.body);
    if (!body) return failed(body.error());
    const auto spec = spec_of(exchange_name(call["name"]), *body);
    if (!spec) return failed(spec.error());
    if (auto may = desk.may(call, Right::configure, "exchange", spec->name); !may) return failed(may.error());
    if (const auto* alternate = spec->arguments.find("alternate-exchange"); alternate && alternate->text()) {
        if (auto may = desk.may(call, Right::read, "exchange", spec->name); !may) return failed(may.error());
        if (auto may = desk.may(call, Right::write, "exchange", *alternate->text()); !may)
            return failed(may.error());
    }
    const bool there = host.exchange(spec->name) != nullptr;
    if (auto declared = host.declare_exchange(*spec); !declared) return failed(declared.error());
    return made(there);
}

Response delete_exchange(Desk& desk, const Call& call) {
    VirtualHost& host = desk.host_of(call);
    const std::string_view name = exchange_name(call["name"]);
    const bool there = host.exchange(name) != nullptr;
    if (auto may = desk.may(call, Right::configure, "exchange", name); !may && there)
        return failed(may.error());
    // Also one that has gone: its going may be on the way to the disk.
    const bool if_unused = call.request.query("if-unused") == "true";
    const auto deleted = host.delete_exchange(name, if_unused);
    if (!there) return not_found();
    return deleted ? no_content() : failed(deleted.error());
}

}  // namespace

void add_exchanges(Routes& routes) {
    routes.get("/exchanges", Needs::login, &list_exchanges);
    routes.get("/exchanges/{vhost}", Needs::vhost, &list_exchanges);
    routes.get("/exchanges/{vhost}/{name}", Needs::vhost, &show_exchange);
    routes.put("/exchanges/{vhost}/{name}", Needs::vhost, &put_exchange);
    routes.del("/exchanges/{vhost}/{name}", Needs::vhost, &delete_exchange);
}

}  // namespace posthorn::management
