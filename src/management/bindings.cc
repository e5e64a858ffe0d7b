#include <algorithm>

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

/// Which bindings are wanted; empty is any.
using Wanted = std::function<bool(const Binding&)>;

void list_bindings(Desk& desk, const Call& call, const http::Reply& reply, const Wanted& wanted) {
    struct Row {
        std::string vhost;
        Binding binding;
    };
    auto rows = std::make_shared<std::vector<Row>>();
    for (VirtualHost* host : desk.hosts_for(call))
        host->each_binding([&](const Binding& binding) {
            if (!wanted || wanted(binding)) rows->push_back({host->name(), binding});
        });
    std::sort(rows->begin(), rows->end(), [](const Row& a, const Row& b) {
        return std::tie(a.vhost, a.binding.source, a.binding.destination, a.binding.key) <
               std::tie(b.vhost, b.binding.source, b.binding.destination, b.binding.key);
    });
    Listing listing;
    for (std::size_t i = 0; i < rows->size(); ++i)
        listing.entries.push_back({{}, (*rows)[i].binding.source, i});
    listing.row = [rows](const Listing::Entry& entry) {
        const Row& row = (*rows)[entry.number];
        return std::optional(binding_row(row.vhost, row.binding));
    };
    list(desk, call, std::move(listing), reply);
}

void all_bindings(Desk& desk, Call call, http::Reply reply) {
    list_bindings(desk, call, reply, {});
}

void bindings_from(Desk& desk, Call call, http::Reply reply) {
    list_bindings(desk, call, reply,
                  [source = std::string(exchange_name(call["name"]))](const Binding& binding) {
                      return binding.source == source;
                  });
}

void bindings_to_exchange(Desk& desk, Call call, http::Reply reply) {
    list_bindings(desk, call, reply,
                  [name = std::string(exchange_name(call["name"]))](const Binding& binding) {
                      return binding.kind == DestinationKind::exchange && binding.destination == name;
                  });
}

void bindings_to_queue(Desk& desk, Call call, http::Reply reply) {
    if (!desk.host_of(call).queue(call["name"])) return reply(not_found());
    list_bindings(desk, call, reply, [name = std::string(call["name"])](const Binding& binding) {
        return binding.kind == DestinationKind::queue && binding.destination == name;
    });
}

/// The path's /e/{source}/{q or e}/{destination}.
struct Ends {
    std::string source, destination;
    DestinationKind kind;
    bool are_of(const Binding& binding) const {
        return binding.source == source && binding.destination == destination && binding.kind == kind;
    }
};

std::optional<Ends> ends_of(const Call& call) {
    const std::string_view kind = call["kind"];
    if (kind != "q" && kind != "e") return std::nullopt;
    const bool queue = kind == "q";
    return Ends{std::string(exchange_name(call["source"])),
                std::string(queue ? call["destination"] : exchange_name(call["destination"])),
                queue ? DestinationKind::queue : DestinationKind::exchange};
}

void bindings_between(Desk& desk, Call call, http::Reply reply) {
    const auto ends = ends_of(call);
    if (!ends) return reply(not_found());
    list_bindings(desk, call, reply, [ends = *ends](const Binding& binding) { return ends.are_of(binding); });
}

std::optional<Binding> find(VirtualHost& host, const Ends& ends, std::string_view key) {
    std::optional<Binding> found;
    host.each_binding([&](const Binding& binding) {
        if (!found && ends.are_of(binding) && properties_key(binding) == key) found = binding;
    });
    return found;
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
    std::string location = binding.destination + "/";
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
