#include "user_limits.h"

#include <fmt/format.h>

#include <array>

#include "desk.h"
#include "listing.h"
#include "named_limits.h"
#include "nouns.h"

namespace posthorn::management {
namespace {

using auth::UserLimits;
using http::Response;

constexpr std::array<NamedLimit<UserLimits>, 2> known{
    {{"max-connections", &UserLimits::max_connections}, {"max-channels", &UserLimits::max_channels}}};

void list_limits(Desk& desk, Call call, http::Reply reply) {
    if (!call["user"].empty() && !desk.users.user(call["user"])) return reply(not_found());
    std::vector<Json> rows;
    desk.users.each_user([&](const auth::User& user) {
        if (user.limits != UserLimits() && (call["user"].empty() || user.name == call["user"]))
            rows.push_back({{"user", user.name}, {"value", limits_json(user.limits)}});
    });
    list(desk, call, Listing::of(std::move(rows)), reply);
}

Response put_limit(Desk& desk, const Call& call) {
    if (!desk.users.user(call["user"])) return not_found();
    const auto body = parse_body(call.request.body);
    if (!body) return failed(body.error());
    if (auto all = require(*body, {"value"}); !all) return failed(all.error());
    auto put = put_limits(desk.users, call["user"], {{std::string(call["name"]), limit_value(*body)}});
    return put ? no_content() : failed(put.error());
}

/// `all` is the name of all of them.
Response delete_limit(Desk& desk, const Call& call) {
    const auth::User* const user = desk.users.user(call["user"]);
    if (!user) return not_found();
    UserLimits limits = call["name"] == "all" ? UserLimits() : user->limits;
    if (const auto limit = limit_named<UserLimits>(known, call["name"])) (limits.*limit).reset();
    return gone(desk.users.set_limits(call["user"], limits));
}

}  // namespace

Json limits_json(const UserLimits& limits) {
    return limits_json<UserLimits>(known, limits);
}

Result<void> put_limits(auth::Users& users, std::string_view name, const Json& value) {
    const auth::User* const user = users.user(name);
    if (!user) return Error{Errc::not_found, fmt::format("there is no user '{}'", name)};
    UserLimits limits = user->limits;
    if (auto read = read_limits<UserLimits>(known, value, limits); !read) return read;
    return users.set_limits(name, limits);
}

void add_user_limits(Routes& routes) {
    routes.get("/user-limits", Needs::login, &list_limits);
    routes.get("/user-limits/{user}", Needs::login, &list_limits);
    routes.put("/user-limits/{user}/{name}", Needs::administrator, &put_limit);
    routes.del("/user-limits/{user}/{name}", Needs::administrator, &delete_limit);
}

}  // namespace posthorn::management
