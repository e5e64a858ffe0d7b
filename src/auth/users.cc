#include "auth/users.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace posthorn::auth {
namespace {

using nlohmann::json;

constexpr std::string_view kUsers = "auth.user", kPlaces = "auth.permission";
constexpr std::string_view kMaxConnections = "max-connections", kMaxChannels = "max-channels";
constexpr char kSeparator = '\0';  // cannot stand in a name

Result<model::Pattern> right_pattern(std::string_view text) {
    return model::Pattern::compile(text.empty() ? "^$" : text);
}

std::string with_names(std::string text, const std::string& user, const std::string& vhost) {
    const auto replace = [&text](std::string_view variable, const std::string& value) {
        for (auto at = text.find(variable); at != std::string::npos;
             at = text.find(variable, at + value.size()))
            text.replace(at, variable.size(), value);
    };
    replace("{username}", user);
    replace("{vhost}", vhost);
    return text;
}

std::string place_key(const std::string& user, const std::string& vhost) {
    return user + kSeparator + vhost;
}

Error damaged(std::string_view what, std::string_view key) {
    return Error{Errc::damaged, fmt::format("the kept {} of '{}' cannot be read", what, key)};
}

// JSON of another shape than ours ends in the library's exception; it ends here.
template <class Restore>
Result<void> readable(std::string_view what, std::string_view key, Restore restore) {
    try {
        return restore();
    } catch (const json::exception&) {
        return damaged(what, key);
    }
}

}  // namespace

bool User::has_tag(std::string_view tag) const {
    return std::find(tags.begin(), tags.end(), tag) != tags.end();
}

// --- users -------------------------------------------------------------------------------------------------

Result<void> Users::put_user(std::string_view name, std::string_view password,
                             std::vector<std::string> tags) {
    return put_user(
        name,
        password.empty() ? PasswordHash{} : PasswordHash::of(password, static_cast<std::uint32_t>(random_())),
        std::move(tags));
}

Result<void> Users::put_user(std::string_view name, PasswordHash hash, std::vector<std::string> tags) {
    if (auto admitted = keep_.admit(); !admitted) return admitted;
    if (name.empty() || name.size() > 255 || name.find(kSeparator) != std::string_view::npos)
        return Error{Errc::invalid, "a user's name has 1 to 255 bytes and no zero among them"};
    User& user = users_.try_emplace(std::string(name), User{std::string(name), {}, {}}).first->second;
    user.password = std::move(hash), user.tags = std::move(tags);
    keep_user(user);
    ++version_;
    return {};
}

Result<void> Users::set_limits(std::string_view name, const UserLimits& limits) {
    if (auto admitted = keep_.admit(); !admitted) return admitted;
    if (auto known = check_user(name); !known) return known;
    User& user = users_.find(name)->second;
    user.limits = limits;
    keep_user(user);
    return {};
}

Result<void> Users::remove_user(std::string_view name) {
    if (auto admitted = keep_.admit(); !admitted) return admitted;
    const auto at = users_.find(name);
    if (at == users_.end()) return Error{Errc::not_found, fmt::format("there is no user '{}'", name)};
    for (auto place = places_.begin(); place != places_.end();) {
        if (place->first.first != name) {
            ++place;
            continue;
        }
        keep_.remove(kPlaces, place_key(place->first.first, place->first.second));
        place = places_.erase(place);
    }
    keep_.remove(kUsers, name);
    users_.erase(at);
    ++version_;
    return {};
}

const User* Users::user(std::string_view name) const {
    const auto at = users_.find(name);
    return at == users_.end() ? nullptr : &at->second;
}

void Users::each_user(const std::function<void(const User&)>& visit) const {
    for (const auto& [name, user] : users_)
        visit(user);
}

bool Users::password_matches(std::string_view name, std::string_view password) const {
    const User* known = user(name);
    return known && known->password.matches(password);
}

bool Users::loopback_only(std::string_view name) const {
    return std::find(loopback_only_.begin(), loopback_only_.end(), name) != loopback_only_.end();
}

// --- permissions -------------------------------------------------------------------------------------------

Result<void> Users::check_user(std::string_view name) const {
    if (!user(name)) return Error{Errc::not_found, fmt::format("there is no user '{}'", name)};
    return {};
}

Result<void> Users::put_permission(std::string_view user, std::string_view vhost,
                                   const Permission& permission) {
    if (auto admitted = keep_.admit(); !admitted) return admitted;
    if (auto known = check_user(user); !known) return known;
    const Place place{user, vhost};
    if (auto set = set_rights(place, permission); !set) return set;
    keep_place(place);
    return {};
}

Result<void> Users::set_rights(const Place& place, const Permission& permission) {
    auto configure = right_pattern(permission.configure);
    auto write = right_pattern(permission.write);
    auto read = right_pattern(permission.read);
    for (const auto* pattern : {&configure, &write, &read})
        if (!pattern->ok()) return pattern->error();
    places_[place].rights = Rights{permission, {std::move(*configure), std::move(*write), std::move(*read)}};
    ++version_;
    return {};
}

Result<void> Users::remove_permission(std::string_view user, std::string_view vhost) {
    if (auto admitted = keep_.admit(); !admitted) return admitted;
    const auto at = places_.find(Place{user, vhost});
    if (at == places_.end() || !at->second.rights)
        return Error{Errc::not_found, fmt::format("user '{}' has no permission in '{}'", user, vhost)};
    at->second.rights.reset();
    keep_place(Place{user, vhost});
    return {};
}

std::optional<Permission> Users::permission(std::string_view user, std::string_view vhost) const {
    const InVhost* place = find(user, vhost);
    if (!place || !place->rights) return std::nullopt;
    return place->rights->text;
}

void Users::each_permission(const PermissionVisitor& visit) const {
    for (const auto& [place, held] : places_)
        if (held.rights) visit(place.first, place.second, held.rights->text);
}

Result<void> Users::put_topic_permission(std::string_view user, std::string_view vhost,
                                         const TopicPermission& permission) {
    if (auto admitted = keep_.admit(); !admitted) return admitted;
    if (auto known = check_user(user); !known) return known;
    const Place place{user, vhost};
    if (auto set = set_topic(place, permission); !set) return set;
    keep_place(place);
    return {};
}

Result<void> Users::set_topic(const Place& place, const TopicPermission& permission) {
    auto write = right_pattern(with_names(permission.write, place.first, place.second));
    if (!write) return write.error();
    auto read = right_pattern(with_names(permission.read, place.first, place.second));
    if (!read) return read.error();
    auto& topics = places_[place].topics;
    std::erase_if(topics, [&](const TopicRights& held) { return held.text.exchange == permission.exchange; });
    topics.push_back({permission, std::move(*write), std::move(*read)});
    ++version_;
    return {};
}

Result<void> Users::remove_topic_permissions(std::string_view user, std::string_view vhost,
                                             std::string_view exchange) {
    if (auto admitted = keep_.admit(); !admitted) return admitted;
    const auto at = places_.find(Place{user, vhost});
    const auto matches = [&](const TopicRights& held) {
        return exchange.empty() || held.text.exchange == exchange;
    };
    if (at == places_.end() || std::erase_if(at->second.topics, matches) == 0)
        return Error{Errc::not_found,
                     fmt::format("user '{}' has no such topic permission in '{}'", user, vhost)};
    keep_place(Place{user, vhost});
    return {};
}

void Users::each_topic_permission(const TopicPermissionVisitor& visit) const {
    for (const auto& [place, held] : places_)
        for (const TopicRights& topic : held.topics)
            visit(place.first, place.second, topic.text);
}

void Users::forget_vhost(std::string_view vhost) {
    std::erase_if(places_, [&](const auto& entry) {
        const Place& place = entry.first;
        if (place.second != vhost) return false;
        keep_.remove(kPlaces, place_key(place.first, place.second));
        return true;
    });
    ++version_;
}

// --- questions ---------------------------------------------------------------------------------------------

const Users::InVhost* Users::find(std::string_view user, std::string_view vhost) const {
    const auto at = places_.find(Place{user, vhost});
    return at == places_.end() ? nullptr : &at->second;
}

bool Users::may_enter(std::string_view user, std::string_view vhost) const {
    const InVhost* place = find(user, vhost);
    return place && place->rights;
}

bool Users::may(std::string_view user, std::string_view vhost, Right right, std::string_view name) const {
    const InVhost* place = find(user, vhost);
    return place && place->rights && place->rights->patterns[static_cast<std::size_t>(right)].found_in(name);
}

bool Users::has_topic_permissions(std::string_view user, std::string_view vhost) const {
    const InVhost* place = find(user, vhost);
    return place && !place->topics.empty();
}

bool Users::may_topic(std::string_view user, std::string_view vhost, std::string_view exchange, Right right,
                      std::string_view key) const {
    const InVhost* place = find(user, vhost);
    if (!place) return true;
    for (const TopicRights& topic : place->topics)
        if (topic.text.exchange == exchange)
            return (right == Right::write ? topic.write : topic.read).found_in(key);
    return true;
}

// --- kept --------------------------------------------------------------------------------------------------

void Users::keep_user(const User& user) {
    json text{{"password_hash", user.password.text()}, {"tags", user.tags}};
    if (user.limits.max_connections) text[kMaxConnections] = *user.limits.max_connections;
    if (user.limits.max_channels) text[kMaxChannels] = *user.limits.max_channels;
    keep_.put(kUsers, user.name, text.dump());
}

void Users::keep_place(const Place& place) {
    ++version_;
    const std::string key = place_key(place.first, place.second);
    const InVhost& held = places_[place];
    if (!held.rights && held.topics.empty()) {
        keep_.remove(kPlaces, key);
        places_.erase(place);
        return;
    }
    json text = json::object();
    if (held.rights)
        text["rights"] = {held.rights->text.configure, held.rights->text.write, held.rights->text.read};
    for (const TopicRights& topic : held.topics)
        text["topics"].push_back({topic.text.exchange, topic.text.write, topic.text.read});
    keep_.put(kPlaces, key, text.dump());
}

Result<std::unique_ptr<Users>> Users::load(Keep& keep, env::Random& random) {
    std::unique_ptr<Users> users(new Users(keep, random));
    if (auto restored = users->restore(); !restored) return restored.error();
    return users;
}

Result<void> Users::restore() {
    Result<void> result;
    keep_.each(kUsers, [&](std::string_view name, std::string_view text) {
        if (auto one = readable("user", name, [&] { return restore_user(name, text); }); !one) result = one;
    });
    keep_.each(kPlaces, [&](std::string_view key, std::string_view text) {
        if (auto one = readable("permission", key, [&] { return restore_place(key, text); }); !one)
            result = one;
    });
    return result;
}

Result<void> Users::restore_user(std::string_view name, std::string_view text) {
    const json kept = json::parse(text, nullptr, false);
    if (!kept.is_object() || !kept.contains("password_hash") || !kept.contains("tags"))
        return damaged("user", name);
    auto hash = PasswordHash::from_text(kept["password_hash"].get<std::string>());
    if (!hash) return damaged("password", name);
    User user{std::string(name), std::move(*hash), kept["tags"].get<std::vector<std::string>>()};
    if (kept.contains(kMaxConnections)) user.limits.max_connections = kept[kMaxConnections];
    if (kept.contains(kMaxChannels)) user.limits.max_channels = kept[kMaxChannels];
    users_.insert_or_assign(std::string(name), std::move(user));
    return {};
}

Result<void> Users::restore_place(std::string_view key, std::string_view text) {
    const auto at = key.find(kSeparator);
    const json kept = json::parse(text, nullptr, false);
    if (at == std::string_view::npos || !kept.is_object()) return damaged("permission", key);
    const Place place{key.substr(0, at), key.substr(at + 1)};
    if (kept.contains("rights")) {
        const auto texts = kept["rights"].get<std::array<std::string, 3>>();
        if (auto set = set_rights(place, {texts[0], texts[1], texts[2]}); !set) return set;
    }
    for (const auto& topic : kept.value("topics", json::array())) {
        const auto texts = topic.get<std::array<std::string, 3>>();
        if (auto set = set_topic(place, {texts[0], texts[1], texts[2]}); !set) return set;
    }
    return {};
}

}  // namespace posthorn::auth
