#include "desk.h"
#include "listing.h"
#include "nouns.h"
#include "users.h"

namespace posthorn::management {
namespace {

using http::Response;

Error nobody_there() {
    return {Errc::invalid, "vhost_or_user_not_found"};
}

bool both_there(const Desk& desk, const Call& call) {
    return desk.users.user(call["user"]) && desk.hosts.find(call["place"]);
}

/// All rows that the path's `{user}` and `{place}` (a virtual host) leave over; neither leaves all.
void list_permissions(Desk& desk, Call call, http::Reply reply) {
    std::vector<Json> rows;
    desk.users.each_permission(
        [&](const std::string& user, const std::string& vhost, const auth::Permission& may) {
            if (call["user"].empty() || user == call["user"])
                rows.push_back(permission_row(user, vhost, may));
        });
    list(desk, call, Listing::of(std::move(rows)), reply);
}

void list_permissions_of_user(Desk& desk, Call call, http::Reply reply) {
    if (!desk.users.user(call["user"])) return reply(not_found());
    list_permissions(desk, std::move(call), std::move(reply));
}

Response show_permission(Desk& desk, const Call& call) {
    const auto may = desk.users.permission(call["user"], call["place"]);
    if (!may) return not_found();
    return one(call, permission_row(std::string(call["user"]), std::string(call["place"]), *may));
}

Response put_permission_here(Desk& desk, const Call& call) {
    const auto body = parse_body(call.request.body);
    if (!body) return failed(body.error());
    if (!both_there(desk, call)) return failed(nobody_there());
    const bool there = desk.users.permission(call["user"], call["place"]).has_value();
    if (auto put = put_permission(desk.users, call["user"], call["place"], *body); !put)
        return failed(put.error());
    return made(there);
}

Response delete_permission(Desk& desk, const Call& call) {
    return gone(desk.users.remove_permission(call["user"], call["place"]));
}

std::vector<Json> topic_rows(const Desk& desk, std::string_view user, std::string_view vhost) {
    std::vector<Json> rows;
    desk.users.each_topic_permission(
        [&](const std::string& of, const std::string& in, const auth::TopicPermission& may) {
            if ((user.empty() || of == user) && (vhost.empty() || in == vhost))
                rows.push_back(topic_permission_row(of, in, may));
        });
    return rows;
}

void list_topic_permissions(Desk& desk, Call call, http::Reply reply) {
    list(desk, call, Listing::of(topic_rows(desk, call["user"], {})), reply);
}

void show_topic_permissions(Desk& desk, Call call, http::Reply reply) {
    auto rows = topic_rows(desk, call["user"], call["place"]);
    if (rows.empty()) return reply(not_found());
    list(desk, call, Listing::of(std::move(rows)), reply);
}

Response put_topic_permission_here(Desk& desk, const Call& call) {
    const auto body = parse_body(call.request.body);
    if (!body) return failed(body.error());
    if (!both_there(desk, call)) return failed(nobody_there());
    const bool there = !topic_rows(desk, call["user"], call["place"]).empty();
    if (auto put = put_topic_permission(desk.users, call["user"], call["place"], *body); !put)
        return failed(put.error());
    return made(there);
}

Response delete_topic_permissions(Desk& desk, const Call& call) {
    return gone(desk.users.remove_topic_permissions(call["user"], call["place"], call["exchange"]));
}

}  // namespace

Json permission_row(const std::string& user, const std::string& vhost, const auth::Permission& may) {
    return {{"user", user},
            {"vhost", vhost},
            {"configure", may.configure},
            {"write", may.write},
            {"read", may.read}};
}

Json topic_permission_row(const std::string& user, const std::string& vhost,
                          const auth::TopicPermission& may) {
    return {{"user", user},
            {"vhost", vhost},
            {"exchange", may.exchange},
            {"write", may.write},
            {"read", may.read}};
}

Result<void> put_permission(auth::Users& users, std::string_view user, std::string_view vhost,
                            const Json& body) {
    if (auto all = require(body, {"configure", "write", "read"}); !all) return all;
    auto configure = text_in(body, "configure", ""), write = text_in(body, "write", ""),
         read = text_in(body, "read", "");
    for (const auto* text : {&configure, &write, &read})
        if (!text->ok()) return text->error();
    return users.put_permission(user, vhost, {*configure, *write, *read});
}

Result<void> put_topic_permission(auth::Users& users, std::string_view user, std::string_view vhost,
                                  const Json& body) {
    if (auto all = require(body, {"exchange", "write", "read"}); !all) return all;
    auto exchange = text_in(body, "exchange", ""), write = text_in(body, "write", ""),
         read = text_in(body, "read", "");
    for (const auto* text : {&exchange, &write, &read})
        if (!text->ok()) return text->error();
    return users.put_topic_permission(user, vhost, {*exchange, *write, *read});
}

void add_permissions(Routes& routes) {
    routes.get("/permissions", Needs::administrator, &list_permissions);
    routes.get("/users/{user}/permissions", Needs::administrator, &list_permissions_of_user);
    routes.get("/permissions/{place}/{user}", Needs::administrator, &show_permission);
    routes.put("/permissions/{place}/{user}", Needs::administrator, &put_permission_here);
    routes.del("/permissions/{place}/{user}", Needs::administrator, &delete_permission);
    routes.get("/topic-permissions", Needs::administrator, &list_topic_permissions);
    routes.get("/users/{user}/topic-permissions", Needs::administrator, &list_topic_permissions);
    routes.get("/topic-permissions/{place}/{user}", Needs::administrator, &show_topic_permissions);
    routes.put("/topic-permissions/{place}/{user}", Needs::administrator, &put_topic_permission_here);
    routes.del("/topic-permissions/{place}/{user}", Needs::administrator, &delete_topic_permissions);
    routes.del("/topic-permissions/{place}/{user}/{exchange}", Needs::administrator,
               &delete_topic_permissions);
}

}  // namespace posthorn::management
