#include "desk.h"
#include "listing.h"
#include "nouns.h"
#include "rows.h"

namespace posthorn::management {
namespace {

using http::Response;

/// Whose connections a user sees: everybody's, or his own.
template <class Session>
bool visible(const Call& call, const Session& session) {
    if (!call.vhost().empty() && session.virtual_host != call.vhost()) return false;
    return call.monitors() || session.user == call.user.name;
}

template <class Session>
Listing listing_of(std::shared_ptr<std::vector<Session>> found, std::function<Json(const Session&)> row,
                   std::function<std::string(const Session&)> name) {
    Listing listing;
    listing.walk = walk_numbers(found->size(), [found, name = std::move(name)](std::size_t number) {
        return name((*found)[number]);
    });
    listing.row = [found, row = std::move(row)](const Listing::Entry& entry) {
        return std::optional(row((*found)[entry.number]));
    };
    return listing;
}

std::string name_of(const Channel& channel) {
    return channel.connection_name + " (" + std::to_string(channel.number) + ")";
}

std::optional<Connection> find_connection(const Desk& desk, std::string_view name) {
    std::optional<Connection> found;
    desk.sessions.each_connection([&](const Connection& connection) {
        if (connection.name == name) found = connection;
    });
    return found;
}

void list_connections(Desk& desk, Call call, http::Reply reply) {
    auto found = std::make_shared<std::vector<Connection>>();
    const std::string user(call["user"]);
    desk.sessions.each_connection([&](const Connection& connection) {
        if (visible(call, connection) && (user.empty() || connection.user == user))
            found->push_back(connection);
    });
    list(desk, call,
         listing_of<Connection>(
             found, [&desk](const Connection& connection) { return connection_row(desk, connection); },
             [](const Connection& connection) { return connection.name; }),
         reply);
}

Response show_connection(Desk& desk, const Call& call) {
    const auto found = find_connection(desk, call["name"]);
    if (!found) return not_found();
    if (!visible(call, *found)) return unauthorised("User not authorised to access object");
    return one(call, connection_row(desk, *found));
}

Response close_connection(Desk& desk, const Call& call) {
    const auto found = find_connection(desk, call["name"]);
    if (!found) return not_found();
    if (!visible(call, *found)) return unauthorised("User not authorised to access object");
    const std::string_view reason = call.request.header("x-reason");
    desk.sessions.close_connection(found->name, reason.empty() ? "Closed via management plugin" : reason);
    return no_content();
}

Response close_connections_of_user(Desk& desk, const Call& call) {
    const std::string_view reason = call.request.header("x-reason");
    desk.sessions.close_user(call["user"], reason.empty() ? "Closed via management plugin" : reason);
    return no_content();
}

void channels_that(Desk& desk, const Call& call, const http::Reply& reply, std::string_view connection) {
    auto found = std::make_shared<std::vector<Channel>>();
    desk.sessions.each_channel([&](const Channel& channel) {
        if (visible(call, channel) && (connection.empty() || channel.connection_name == connection))
            found->push_back(channel);
    });
    list(desk, call,
         listing_of<Channel>(
             found, [&desk](const Channel& channel) { return channel_row(desk, channel); }, &name_of),
         reply);
}

void list_channels(Desk& desk, Call call, http::Reply reply) {
    channels_that(desk, call, reply, {});
}

void channels_of_connection(Desk& desk, Call call, http::Reply reply) {
    if (!find_connection(desk, call["name"])) return reply(not_found());
    channels_that(desk, call, reply, call["name"]);
}

Response show_channel(Desk& desk, const Call& call) {
    std::optional<Channel> found;
    desk.sessions.each_channel([&](const Channel& channel) {
        if (!found && name_of(channel) == call["name"]) found = channel;
    });
    if (!found) return not_found();
    if (!visible(call, *found)) return unauthorised("User not authorised to access object");
    Json row = channel_row(desk, *found);
    row["consumer_details"] = row["deliveries"] = row["publishes"] = Json::array();
    desk.sessions.each_consumer([&](const Consumer& consumer) {
        if (consumer.connection_name == found->connection_name && consumer.channel == found->number)
            row["consumer_details"].push_back(consumer_row(desk, consumer));
    });
    return one(call, std::move(row));
}

void list_consumers(Desk& desk, Call call, http::Reply reply) {
    auto found = std::make_shared<std::vector<Consumer>>();
    desk.sessions.each_consumer([&](const Consumer& consumer) {
        if (visible(call, consumer)) found->push_back(consumer);
    });
    list(desk, call,
         listing_of<Consumer>(
             found, [&desk](const Consumer& consumer) { return consumer_row(desk, consumer); },
             [](const Consumer& consumer) { return consumer.tag; }),
         reply);
}

}  // namespace

void add_connections(Routes& routes) {
    routes.get("/connections", Needs::login, &list_connections);
    routes.get("/vhosts/{vhost}/connections", Needs::vhost, &list_connections);
    routes.get("/connections/username/{user}", Needs::login, &list_connections);
    routes.del("/connections/username/{user}", Needs::administrator, &close_connections_of_user);
    routes.get("/connections/{name}", Needs::login, &show_connection);
    routes.del("/connections/{name}", Needs::login, &close_connection);
    routes.get("/connections/{name}/channels", Needs::login, &channels_of_connection);
    routes.get("/channels", Needs::login, &list_channels);
    routes.get("/vhosts/{vhost}/channels", Needs::vhost, &list_channels);
    routes.get("/channels/{name}", Needs::login, &show_channel);
    routes.get("/consumers", Needs::login, &list_consumers);
    routes.get("/consumers/{vhost}", Needs::vhost, &list_consumers);
}

}  // namespace posthorn::management
