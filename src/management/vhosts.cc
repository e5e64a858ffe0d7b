#include <fmt/format.h>

#include <algorithm>

#include "desk.h"
#include "listing.h"
#include "nouns.h"
#include "rows.h"
#include "vhosts.h"

namespace posthorn::management {
namespace {

using exchange::VirtualHost;
using http::Response;

Json metadata_of(const Desk& desk, std::string_view vhost) {
    const Json* kept = desk.parameters.find(Parameters::vhost_metadata, vhost, "");
    if (kept && kept->is_object()) return *kept;
    return {{"description", vhost == "/" ? "Default virtual host" : ""}, {"tags", Json::array()}};
}

Json vhost_row(Desk& desk, VirtualHost& host) {
    const Json metadata = metadata_of(desk, host.name());
    Json row{{"name", host.name()},
             {"description", metadata.value("description", "")},
             {"tags", metadata.value("tags", Json::array())},
             {"default_queue_type", metadata.value("default_queue_type", "undefined")},
             {"metadata", metadata},
             {"tracing", metadata.value("tracing", false)},
             {"cluster_state", {{desk.options.node, "running"}}}};
    row["metadata"].erase("tracing");
    const HostTotals totals = desk.census.of(host);
    add_levels(desk, row, std::string("w") + host.name(), totals.ready, totals.unacked);
    row["message_stats"] = message_stats(desk, std::string("v") + host.name(), totals.messages);
    return row;
}

void list_vhosts(Desk& desk, Call call, http::Reply reply) {
    std::vector<std::string> names;
    desk.hosts.each([&](const VirtualHost& host) {
        if (call.monitors() || desk.users.may_enter(call.user.name, host.name()))
            names.push_back(host.name());
    });
    std::sort(names.begin(), names.end());
    Listing listing;
    listing.walk = walk_numbers(names.size(), [names](std::size_t number) { return names[number]; });
    listing.row = [&desk](const Listing::Entry& entry) -> std::optional<Json> {
        VirtualHost* const host = desk.hosts.find(entry.name);
        if (!host) return std::nullopt;
        return vhost_row(desk, *host);
    };
    list(desk, call, std::move(listing), reply);
}

Response show_vhost(Desk& desk, const Call& call) {
    if (!call.monitors() && !desk.users.may_enter(call.user.name, call.vhost()))
        return unauthorised("User not authorised to access virtual host");
    VirtualHost* const host = desk.hosts.find(call.vhost());
    return host ? one(call, vhost_row(desk, *host)) : not_found();
}

/// Tags come as a list, or as a text with commas.
Result<Json> tags_in(const Json& body) {
    const auto at = body.find("tags");
    if (at == body.end() || at->is_null()) return Json::array();
    Json tags = Json::array();
    if (at->is_array()) {
        for (const Json& tag : *at) {
            if (!tag.is_string()) return Error{Errc::invalid, "not_string: tags"};
            tags.push_back(tag);
        }
        return tags;
    }
    if (!at->is_string()) return Error{Errc::invalid, "not_string: tags"};
    const auto& text = at->get_ref<const std::string&>();
    for (std::size_t from = 0; from < text.size();) {
        const std::size_t comma = std::min(text.find(',', from), text.size());
        std::size_t first = text.find_first_not_of(' ', from);
        if (first < comma)
            tags.push_back(text.substr(first, text.find_last_not_of(' ', comma - 1) + 1 - first));
        from = comma + 1;
    }
    return tags;
}

/// What is known of a virtual host, with what the body says of it.
Result<Json> metadata_with(const Desk& desk, std::string_view vhost, const Json& body) {
    auto tags = tags_in(body);
    auto description = text_in(body, "description", "");
    auto queue_type = text_in(body, "default_queue_type", "");
    auto tracing = flag_in(body, "tracing", false);
    if (!tags) return tags.error();
    if (!description) return description.error();
    if (!queue_type) return queue_type.error();
    if (!tracing) return tracing.error();
    Json metadata = metadata_of(desk, vhost);
    if (body.contains("tags")) metadata["tags"] = *std::move(tags);
    if (body.contains("description")) metadata["description"] = *std::move(description);
    if (!queue_type->empty()) metadata["default_queue_type"] = *std::move(queue_type);
    if (body.contains("tracing")) metadata["tracing"] = *tracing;
    return metadata;
}

}  // namespace

Result<void> put_vhost(Desk& desk, std::string_view name, const Json& body, std::string_view creator) {
    if (name.find('\0') != std::string_view::npos)
        return Error{Errc::invalid, "the name of a virtual host has no zero byte"};
    const bool there = desk.hosts.find(name) != nullptr;
    auto metadata = metadata_with(desk, name, body);
    if (!metadata) return metadata.error();
    if (auto added = desk.hosts.add(name); !added) return added.error();
    if (!there && !creator.empty())
        if (auto may = desk.users.put_permission(creator, name, {".*", ".*", ".*"}); !may) return may;
    if (body.contains("tags") || body.contains("description") || body.contains("tracing") ||
        body.contains("default_queue_type"))
        return desk.parameters.put(Parameters::vhost_metadata, name, "", *std::move(metadata));
    return {};
}

namespace {

Response put_vhost_here(Desk& desk, const Call& call) {
    const std::string name(call["name"]);
    const auto body = parse_body(call.request.body);
    if (!body) return failed(body.error());
    const bool there = desk.hosts.find(name) != nullptr;
    if (auto put = put_vhost(desk, name, *body, call.user.name); !put) return failed(put.error());
    return made(there);
}

Response delete_vhost(Desk& desk, const Call& call) {
    const std::string name(call["name"]);
    if (!desk.hosts.find(name)) return not_found();
    if (auto admitted = desk.broker.catalog().admit(); !admitted) return failed(admitted.error());
    desk.sessions.close_virtual_host(name, fmt::format("vhost '{}' is deleted", name));
    if (auto removed = desk.hosts.remove(name); !removed) return failed(removed.error());
    desk.users.forget_vhost(name);
    desk.parameters.forget_vhost(name);
    return no_content();
}

void vhost_permissions(Desk& desk, Call call, http::Reply reply) {
    std::vector<Json> rows;
    desk.users.each_permission(
        [&](const std::string& user, const std::string& vhost, const auth::Permission& may) {
            if (vhost == call.vhost())
                rows.push_back({{"user", user},
                                {"vhost", vhost},
                                {"configure", may.configure},
                                {"write", may.write},
                                {"read", may.read}});
        });
    list(desk, call, Listing::of(std::move(rows)), reply);
}

void vhost_topic_permissions(Desk& desk, Call call, http::Reply reply) {
    std::vector<Json> rows;
    desk.users.each_topic_permission(
        [&](const std::string& user, const std::string& vhost, const auth::TopicPermission& may) {
            if (vhost == call.vhost())
                rows.push_back({{"user", user},
                                {"vhost", vhost},
                                {"exchange", may.exchange},
                                {"write", may.write},
                                {"read", may.read}});
        });
    list(desk, call, Listing::of(std::move(rows)), reply);
}

/// Starts a virtual host that failed on a node: here they never do.
Response start_vhost(Desk& desk, const Call& call) {
    return desk.hosts.find(call["name"]) ? no_content() : not_found();
}

}  // namespace

void add_vhosts(Routes& routes) {
    routes.get("/vhosts", Needs::login, &list_vhosts);
    routes.get("/vhosts/{vhost}", Needs::login, &show_vhost);
    routes.put("/vhosts/{name}", Needs::administrator, &put_vhost_here);
    routes.del("/vhosts/{name}", Needs::administrator, &delete_vhost);
    routes.get("/vhosts/{vhost}/permissions", Needs::administrator, &vhost_permissions);
    routes.get("/vhosts/{vhost}/topic-permissions", Needs::administrator, &vhost_topic_permissions);
    routes.post("/vhosts/{name}/start/{node}", Needs::administrator, &start_vhost);
}

}  // namespace posthorn::management
