#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/keep.h"
#include "auth/password.h"
#include "base/result.h"
#include "env/random.h"
#include "model/pattern.h"

namespace posthorn::auth {

/// What a user may do with things of a name: make and delete them, put something into them, take something
/// out of them.
enum class Right : std::uint8_t { configure, write, read };

/// What an operator allows one user at most. Kept here and heeded by gateways.
struct UserLimits {
    std::optional<std::uint64_t> max_connections, max_channels;  ///< nothing: as many as he likes
    bool operator==(const UserLimits&) const = default;
};

struct User {
    std::string name;
    PasswordHash password;
    std::vector<std::string> tags;  ///< administrator, monitoring, policymaker, management, impersonator
    UserLimits limits = {};

    bool has_tag(std::string_view tag) const;
};

/// Of a user in a virtual host: a pattern per right. An empty pattern gives nothing but the unnamed (which is
/// the original's rule for `""`), `.*` everything.
struct Permission {
    std::string configure, write, read;
};

/// Of a user in a virtual host on one topic exchange: patterns of routing keys. `{username}` and `{vhost}` in
/// them stand for the names.
struct TopicPermission {
    std::string exchange, write, read;
};

/// Everybody who may come, and what they may. Owner thread of the engine. Names are as long as the wire
/// allows; the number of users is the operator's. What changes something answers with the error of
/// `Keep::admit` while nothing can be kept.
class Users {
  public:
    /// What was kept. `keep` and `random` must live as long.
    [[nodiscard]] static Result<std::unique_ptr<Users>> load(Keep& keep, env::Random& random);

    // --- users ---------------------------------------------------------------------------------------------
    /// Makes or changes, but for his limits. Without a password and a hash: one that logs in by no password.
    Result<void> put_user(std::string_view name, std::string_view password, std::vector<std::string> tags);
    Result<void> put_user(std::string_view name, PasswordHash hash, std::vector<std::string> tags);
    Result<void> remove_user(std::string_view name);  ///< with its permissions; not_found
    Result<void> set_limits(std::string_view user, const UserLimits& limits);  ///< what is there stays
    const User* user(std::string_view name) const;
    void each_user(const std::function<void(const User&)>& visit) const;
    std::size_t user_count() const { return users_.size(); }

    /// Whether this name and password belong together. The same answer for a wrong name and a wrong password.
    bool password_matches(std::string_view name, std::string_view password) const;
    /// Users that may come from loopback only ("guest" until told otherwise).
    void set_loopback_only(std::vector<std::string> names) { loopback_only_ = std::move(names); }
    bool loopback_only(std::string_view name) const;

    // --- permissions ---------------------------------------------------------------------------------------
    Result<void> put_permission(std::string_view user, std::string_view vhost, const Permission& permission);
    Result<void> remove_permission(std::string_view user, std::string_view vhost);
    std::optional<Permission> permission(std::string_view user, std::string_view vhost) const;
    using PermissionVisitor =
        std::function<void(const std::string& user, const std::string& vhost, const Permission&)>;
    void each_permission(const PermissionVisitor& visit) const;

    Result<void> put_topic_permission(std::string_view user, std::string_view vhost,
                                      const TopicPermission& permission);
    /// An empty exchange: those of all exchanges.
    Result<void> remove_topic_permissions(std::string_view user, std::string_view vhost,
                                          std::string_view exchange);
    using TopicPermissionVisitor =
        std::function<void(const std::string& user, const std::string& vhost, const TopicPermission&)>;
    void each_topic_permission(const TopicPermissionVisitor& visit) const;
    /// The virtual host is gone, and what anybody may in it.
    void forget_vhost(std::string_view vhost);

    // --- questions -----------------------------------------------------------------------------------------
    /// May come into the virtual host at all: has any permission there.
    bool may_enter(std::string_view user, std::string_view vhost) const;
    bool may(std::string_view user, std::string_view vhost, Right right, std::string_view name) const;
    /// On a topic exchange, in addition to `may`: with this routing key. True where nothing is said of it.
    bool may_topic(std::string_view user, std::string_view vhost, std::string_view exchange, Right right,
                   std::string_view key) const;
    /// Anything is said of topics at all: without it `may_topic` is always true.
    bool has_topic_permissions(std::string_view user, std::string_view vhost) const;
    /// Changes with every change above: answers may be cached as long as it stays.
    std::uint64_t version() const { return version_; }

  private:
    struct Rights {
        Permission text;
        std::array<model::Pattern, 3> patterns;  ///< by Right
    };
    struct TopicRights {
        TopicPermission text;
        model::Pattern write, read;
    };
    struct InVhost {
        std::optional<Rights> rights;
        std::vector<TopicRights> topics;
    };
    using Place = std::pair<std::string, std::string>;  ///< user, virtual host

    Users(Keep& keep, env::Random& random) : keep_(keep), random_(random) {}
    Result<void> restore();
    Result<void> restore_user(std::string_view name, std::string_view text);
    Result<void> restore_place(std::string_view key, std::string_view text);
    Result<void> set_rights(const Place& place, const Permission& permission);
    Result<void> set_topic(const Place& place, const TopicPermission& permission);
    Result<void> check_user(std::string_view name) const;
    void keep_user(const User& user);
    void keep_place(const Place& place);
    const InVhost* find(std::string_view user, std::string_view vhost) const;

    Keep& keep_;
    env::Random& random_;
    std::map<std::string, User, std::less<>> users_;
    std::map<Place, InVhost> places_;
    std::vector<std::string> loopback_only_{"guest"};
    std::uint64_t version_ = 1;
};

}  // namespace posthorn::auth
