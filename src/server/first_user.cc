#include "first_user.h"

#include <algorithm>
#include <utility>

#include "auth/users.h"
#include "base/log.h"
#include "exchange/virtual_host.h"

namespace posthorn::server {

std::vector<std::string> names_in(std::string_view list) {
    std::vector<std::string> names;
    while (!list.empty()) {
        const std::size_t end = std::min(list.find_first_of(", "), list.size());
        if (end != 0) names.emplace_back(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    if (names == std::vector<std::string>{"none"}) names.clear();
    return names;
}

Result<void> make_first_user(const FirstUser& first, auth::Users& users, exchange::VirtualHosts& hosts) {
    std::vector<std::string> loopback_only = names_in(first.loopback_only);
    const bool fresh = users.user_count() == 0;
    for (const std::string& name : loopback_only)
        if (name != FirstUser().name && (fresh ? name != first.name : users.user(name) == nullptr))
            log_warn("server", "amqp.loopback_users: there is no user '{}'", name);
    users.set_loopback_only(std::move(loopback_only));
    if (!fresh) {
        if (first.name != FirstUser().name && users.user(first.name) == nullptr)
            log_warn("server",
                     "amqp.default_user: '{}' is not made, this data directory has users already; begin with "
                     "another --data-directory, or log in as one of them",
                     first.name);
        return {};
    }
    if (auto made = hosts.add(first.virtual_host); !made) return made.error();
    if (auto made = users.put_user(first.name, first.password, {"administrator"}); !made) return made;
    return users.put_permission(first.name, first.virtual_host, {".*", ".*", ".*"});
}

}  // namespace posthorn::server
