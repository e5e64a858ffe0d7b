#include <algorithm>

#include "bindings.h"
#include "desk.h"
#include "listing.h"
#include "nouns.h"
#include "rows.h"

namespace posthorn::management {
namespace {

using auth::Right;
using exchange::Binding;
using exchange::DestinationKind;
using exchange::VirtualHost;
using http::Response;

constexpr exchange::OwnerId nobody = 0;

// Places in the table of bindings: first those of the default exchange, by the queue they lead to.
constexpr char of_default = 'd', of_others = 'x';

/// Those from one exchange, or all.
PlacesInHost places_from(std::optional<std::string> source) {
    return [source = std::move(source)](VirtualHost& host, const std::string& from, const auto& visit) {
        bool go_on = true;
        if ((from.empty() || from[0] == of_default) && (!source || source->empty()))
            host.walk_queues(from.empty() ? "" : from.substr(1), [&](const exchange::Queue& queue) {
                return go_on = visit(of_default + queue.spec().name, true);
            });
        if (!go_on || (source && source->empty())) return;
        const bool begun = !from.empty() && from[0] == of_others;
        host.walk_bindings(begun ? from.substr(1) : source.value_or(""),
                           [&](const std::string& place, const Binding& binding) {
                               if (source && !binding.source.starts_with(*source)) return false;
                               return visit(of_others + place, !source || binding.source == *source);
                           });
    };
}

void list_places(Desk& desk, const Call& call, const http::Reply& reply, PlacesInHost places) {
    Listing listing;
    listing.walk = walk_hosts(desk, desk.hosts_for(call), std::move(places));
    listing.row = [&desk](const Listing::Entry& entry) {
        const VirtualHost* const host = desk.hosts.find(entry.vhost);
        const auto binding = host ? binding_at(*host, entry.name) : std::nullopt;
        return binding ? std::optional(binding_row(entry.vhost, *binding)) : std::nullopt;
    };
    list(desk, call, std::move(listing), reply);
}

void all_bindings(Desk& desk, Call call, http::Reply reply) {
    list_places(desk, call, reply, places_from({}));
}

void bindings_from(Desk& desk, Call call, http::Reply reply) {
    list_places(desk, call, reply, places_from(std::string(exchange_name(call["name"]))));
}

/// In the order of all lists of bindings.
std::vector<Binding> bindings_to(const VirtualHost& host, DestinationKind kind, const std::string& name) {
    std::vector<Binding> found;
    if (kind == DestinationKind::queue && host.queue(name)) found.push_back({"", kind, name, name, {}});
    host.each_binding_to(kind, name, [&](const Binding& binding) { found.push_back(binding); });
    std::sort(found.begin(), found.end(), [](const Binding& a, const Binding& b) {
        return std::tie(a.source, a.key) < std::tie(b.source, b.key);
    });
    return found;
}

void list_bindings(Desk& desk, const Call& call, const http::Reply& reply,
                   const std::vector<Binding>& bindings) {
    std::vector<Json> rows;
    for (const Binding& binding : bindings)
        rows.push_back(binding_row(call.vhost(), binding));
    list(desk, call, Listing::of(std::move(rows)), reply);
}

void bindings_to_exchange(Desk& desk, Call call, http::Reply reply) {
    const std::string name(exchange_name(call["name"]));
    list_bindings(desk, call, reply, bindings_to(desk.host_of(call), DestinationKind::exchange, name));
}

void bindings_to_queue(Desk& desk, Call call, http::Reply reply) {
    if (!desk.host_of(call).queue(call["name"])) return reply(not_found());
    const std::string name(call["name"]);
    list_bindings(desk, call, reply, bindings_to(desk.host_of(call), DestinationKind::queue, name));
}

/// The path's /e/{source}/{q or e}/{destination}.
struct Ends {
    std::string source, destination;
    DestinationKind kind;
};

std::optional<Ends> ends_of(const Call& call) {
    const std::string_view kind = call["kind"];
    if (kind != "q" && kind != "e") return std::nullopt;
    const bool queue = kind == "q";
    return Ends{std::string(exchange_name(call["source"])),
                std::string(queue ? call["destination"] : exchange_name(call["destination"])),
                queue ? DestinationKind::queue : DestinationKind::exchange};
}

std::vector<Binding> between(const VirtualHost& host, const Ends& ends) {
    std::vector<Binding> found = bindings_to(host, ends.kind, ends.destination);
    std::erase_if(found, [&](const Binding& binding) { return binding.source != ends.source; });
    return found;
}

void bindings_between(Desk& desk, Call call, http::Reply reply) {
    const auto ends = ends_of(call);
    if (!ends) return reply(not_found());
    list_bindings(desk, call, reply, between(desk.host_of(call), *ends));
}

std::optional<Binding> find(const VirtualHost& host, const Ends& ends, std::string_view key) {
    for (Binding& binding : between(host, ends))
        if (properties_key(binding) == key) return std::move(binding);
    return std::nullopt;
}

Result<void> may_change(Desk& desk, const Call& call, const Binding& binding) {
    const char* const kind = binding.kind == DestinationKind::queue ? "queue" : "exchange";
    if (auto may = desk.may(call, Right::write, kind, binding.destination); !may) return may;
    return desk.may(call, Right::read, "exchange", binding.source);
}

Response add_binding(Desk& desk, const Call& call) {
    VirtualHost& host = desk.host_of(call);
    const auto ends = ends_of(call);
    if (!ends) return not_found();
    const auto body = parse_body(call.request.body);
    if (!body) return failed(body.error());
    const auto key = text_in(*body, "routing_key", "");
    const auto arguments = arguments_in(*body, "arguments");
    if (!key) return failed(key.error());
    if (!arguments) return failed(arguments.error());
    if (key->size() > 255) return failed({Errc::invalid, "a routing key has 255 bytes at most"});
    const Binding binding{ends->source, ends->kind, ends->destination, *key, *arguments};
    if (auto may = may_change(desk, call, binding); !may) return failed(may.error());
    if (auto bound = host.bind(binding, nobody); !bound) return failed(bound.error());
    std::string location = http::encode(binding.destination) + "/";
    for (const char c : properties_key(binding))
        location += c == '%' ? std::string("%25") : std::string(1, c);
    return made(false, std::move(location));
}

Response show_binding(Desk& desk, const Call& call) {
    const auto ends = ends_of(call);
    const auto found = ends ? find(desk.host_of(call), *ends, call["properties"]) : std::nullopt;
    return found ? one(call, binding_row(call.vhost(), *found)) : not_found();
}

Response delete_binding(Desk& desk, const Call& call) {
    VirtualHost& host = desk.host_of(call);
    const auto ends = ends_of(call);
    const auto found = ends ? find(host, *ends, call["properties"]) : std::nullopt;
    if (!found) return not_found();
    if (auto may = may_change(desk, call, *found); !may) return failed(may.error());
    const auto gone = host.unbind(*found, nobody);
    return gone ? no_content() : failed(gone.error());
}

}  // namespace

Listing::Walk walk_bindings(Desk& desk, const std::vector<VirtualHost*>& hosts) {
    return walk_hosts(desk, hosts, [](VirtualHost& host, const std::string& from, const auto& visit) {
        host.walk_bindings(from.empty() ? "" : from.substr(1), [&](const std::string& place, const Binding&) {
            return visit(of_others + place, true);
        });
    });
}

std::optional<Binding> binding_at(const VirtualHost& host, std::string_view place) {
    const std::string name(place.substr(1));
    if (place[0] == of_default) {
        if (!host.queue(name)) return std::nullopt;
        return Binding{"", DestinationKind::queue, name, name, {}};
    }
    std::optional<Binding> found;
    host.walk_bindings(name, [&](const std::string& at, const Binding& binding) {
        if (at == name) found = binding;
        return false;
    });
    return found;
}

void add_bindings(Routes& routes) {
    routes.get("/bindings", Needs::login, &all_bindings);
    routes.get("/bindings/{vhost}", Needs::vhost, &all_bindings);
    routes.get("/exchanges/{vhost}/{name}/bindings/source", Needs::vhost, &bindings_from);
    routes.get("/exchanges/{vhost}/{name}/bindings/destination", Needs::vhost, &bindings_to_exchange);
    routes.get("/queues/{vhost}/{name}/bindings", Needs::vhost, &bindings_to_queue);
    routes.get("/bindings/{vhost}/e/{source}/{kind}/{destination}", Needs::vhost, &bindings_between);
    routes.post("/bindings/{vhost}/e/{source}/{kind}/{destination}", Needs::vhost, &add_binding);
    routes.get("/bindings/{vhost}/e/{source}/{kind}/{destination}/{properties}", Needs::vhost, &show_binding);
    routes.del("/bindings/{vhost}/e/{source}/{kind}/{destination}/{properties}", Needs::vhost,
               &delete_binding);
}

}  // namespace posthorn::management
