#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::auth {
class Users;
}
namespace posthorn::exchange {
class VirtualHosts;
}

namespace posthorn::server {

/// Who may come before anybody was named: made when a data directory knows no user yet.
struct FirstUser {
    std::string name = "guest";
    std::string password = "guest";
    std::string virtual_host = "/";
    std::string loopback_only = "guest";  ///< users that may come from this machine only; "none" is nobody
};

/// Names with commas or blanks between (a YAML list comes with blanks); "none" is none.
std::vector<std::string> names_in(std::string_view list);

/// A directory nobody was named in gets this user, who may do everything in one virtual host. Who may come
/// from this machine only is set anew at each start.
Result<void> make_first_user(const FirstUser& first, auth::Users& users, exchange::VirtualHosts& hosts);

}  // namespace posthorn::server
