#include <fmt/format.h>

#include <algorithm>

#include "desk.h"
#include "listing.h"
#include "nouns.h"
#include "user_limits.h"
#include "users.h"

namespace posthorn::management {
namespace {

using http::Response;

constexpr std::string_view algorithm = "rabbit_password_hashing_sha256";

/// A list, or a text with commas.
Result<std::vector<std::string>> tags_in(const Json& body) {
    std::vector<std::string> tags;
    const auto at = body.find("tags");
    if (at == body.end()) return Error{Errc::invalid, "tags_not_present"};
    if (at->is_array()) {
        for (const Json& tag : *at) {
            if (!tag.is_string()) return Error{Errc::invalid, "not_string: tags"};
            tags.push_back(tag.get<std::string>());
        }
        return tags;
    }
    if (!at->is_string()) return Error{Errc::invalid, "not_string: tags"};
    const auto& text = at->get_ref<const std::string&>();
    for (std::size_t from = 0; from < text.size();) {
        const std::size_t comma = std::min(text.find_first_of(", ", from), text.size());
        if (comma > from) tags.push_back(text.substr(from, comma - from));
        from = comma + 1;
    }
    return tags;
}

void list_users(Desk& desk, Call call, http::Reply reply) {
    std::vector<Json> rows;
    desk.users.each_user([&](const auth::User& user) { rows.push_back(user_row(user)); });
    list(desk, call, Listing::of(std::move(rows)), reply);
}

void users_without_permissions(Desk& desk, Call call, http::Reply reply) {
    std::vector<std::string> may;
    desk.users.each_permission(
        [&](const std::string& user, const std::string&, const auth::Permission&) { may.push_back(user); });
    std::vector<Json> rows;
    desk.users.each_user([&](const auth::User& user) {
        if (std::find(may.begin(), may.end(), user.name) == may.end()) rows.push_back(user_row(user));
    });
    list(desk, call, Listing::of(std::move(rows)), reply);
}

Response show_user(Desk& desk, const Call& call) {
    const auth::User* user = desk.users.user(call["name"]);
    return user ? one(call, user_row(*user)) : not_found();
}

Response put_user_here(Desk& desk, const Call& call) {
    const auto body = parse_body(call.request.body);
    if (!body) return failed(body.error());
    const bool there = desk.users.user(call["name"]) != nullptr;
    if (auto put = put_user(desk.users, call["name"], *body); !put) return failed(put.error());
    return made(there);
}

Result<void> remove_user(Desk& desk, const std::string& name) {
    if (auto admitted = desk.broker.catalog().admit(); !admitted) return admitted;
    desk.sessions.close_user(name, fmt::format("user '{}' is deleted", name));
    return desk.users.remove_user(name);
}

Response delete_user(Desk& desk, const Call& call) {
    const std::string name(call["name"]);
    if (!desk.users.user(name)) return not_found();
    return gone(remove_user(desk, name));
}

Response delete_users(Desk& desk, const Call& call) {
    const auto body = parse_body(call.request.body);
    if (!body) return failed(body.error());
    std::vector<std::string> names;
    for (const Json& name : body->value("users", Json::array())) {
        if (!name.is_string() || !desk.users.user(name.get<std::string>()))
            return failed({Errc::invalid, "no_such_user: " + text_of(name)});
        names.push_back(name.get<std::string>());
    }
    for (const std::string& name : names)
        if (auto removed = remove_user(desk, name); !removed && removed.error().code != Errc::not_found)
            return failed(removed.error());
    return no_content();
}

}  // namespace

Json user_row(const auth::User& user) {
    return {{"name", user.name},
            {"password_hash", user.password.text()},
            {"hashing_algorithm", algorithm},
            {"tags", user.tags},
            {"limits", limits_json(user.limits)}};
}

namespace {

/// His tags, and password or hash.
Result<void> put_login(auth::Users& users, std::string_view name, const Json& body) {
    auto tags = tags_in(body);
    if (!tags) return tags.error();
    const auto hash = text_in(body, "password_hash", ""), password = text_in(body, "password", "");
    const auto hashing = text_in(body, "hashing_algorithm", algorithm);
    for (const auto* text : {&hash, &password, &hashing})
        if (!text->ok()) return text->error();
    if (!has(body, "password_hash")) return users.put_user(name, *password, *std::move(tags));
    if (*hashing != algorithm)
        return Error{
            Errc::invalid,
            fmt::format("hashing_algorithm {} is not taken here, only {}: give the user its password again",
                        *hashing, algorithm)};
    auto kept = auth::PasswordHash::from_text(*hash);
    if (!kept) return kept.error();
    return users.put_user(name, *std::move(kept), *std::move(tags));
}

}  // namespace

Result<void> put_user(auth::Users& users, std::string_view name, const Json& body) {
    if (auto put = put_login(users, name, body); !put) return put;
    const auto limits = body.find("limits");
    return limits == body.end() || !limits->is_object() || limits->empty() ? Result<void>()
                                                                           : put_limits(users, name, *limits);
}

void add_users(Routes& routes) {
    routes.get("/users", Needs::administrator, &list_users);
    routes.get("/users/without-permissions", Needs::administrator, &users_without_permissions);
    routes.post("/users/bulk-delete", Needs::administrator, &delete_users);
    routes.get("/users/{name}", Needs::administrator, &show_user);
    routes.put("/users/{name}", Needs::administrator, &put_user_here);
    routes.del("/users/{name}", Needs::administrator, &delete_user);
}

}  // namespace posthorn::management
