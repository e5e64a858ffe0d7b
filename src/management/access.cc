#include "access.h"

#include <algorithm>

#include "base64.h"
#include "desk.h"

namespace posthorn::management {
namespace {

using http::Response;

bool has_any_tag(const auth::User& user) {
    return std::any_of(user.tags.begin(), user.tags.end(), [](const std::string& tag) {
        return tag == "administrator" || tag == "monitoring" || tag == "policymaker" || tag == "management";
    });
}

/// `challenge`: the browser shall ask. A page that sent a password itself asks by itself.
Response not_logged_in(std::string_view reason, bool challenge) {
    Response response = Response::failure(401, "not_authorized", reason);
    if (challenge) response.headers.emplace_back("WWW-Authenticate", "Basic realm=\"RabbitMQ Management\"");
    return response;
}

bool from_loopback(std::string_view peer) {
    const std::string_view address = peer.substr(0, peer.rfind(':'));
    return address.starts_with("127.") || address == "::1" || address.starts_with("::ffff:127.");
}

}  // namespace

std::optional<Response> log_in(const Desk& desk, const http::Request& request, auth::User& user) {
    static constexpr std::string_view basic = "basic ";
    const std::string_view header = request.header("authorization");
    if (header.empty()) return not_logged_in("Login failed", true);
    const bool is_basic = header.size() > basic.size() &&
                          std::equal(basic.begin(), basic.end(), header.begin(), [](char a, char b) {
                              return a == std::tolower(static_cast<unsigned char>(b));
                          });
    const auto pair = is_basic ? from_base64(header.substr(basic.size())) : std::nullopt;
    const auto colon = pair ? pair->find(':') : std::string::npos;
    if (colon == std::string::npos) return not_logged_in("Login failed", false);
    const std::string_view name = std::string_view(*pair).substr(0, colon);
    if (!desk.users.password_matches(name, std::string_view(*pair).substr(colon + 1)))
        return not_logged_in("Login failed", false);
    if (desk.users.loopback_only(name) && !from_loopback(request.peer))
        return not_logged_in("User can only log in via localhost", false);
    user = *desk.users.user(name);
    if (!has_any_tag(user)) return unauthorised("Not management user");
    return std::nullopt;
}

std::optional<Response> refuse(const Desk& desk, const Call& call, Needs needs) {
    const std::string_view vhost = call.vhost();
    if (!vhost.empty() && !desk.hosts.find(vhost) && needs != Needs::login) return not_found();
    const bool may_enter = vhost.empty() || desk.users.may_enter(call.user.name, vhost);
    switch (needs) {
        case Needs::login:
            return std::nullopt;
        case Needs::vhost:
            if (may_enter) return std::nullopt;
            return unauthorised("User not authorised to access virtual host");
        case Needs::policymaker:
            if (call.administers() || (call.user.has_tag("policymaker") && may_enter)) return std::nullopt;
            return unauthorised("User not authorised to access object");
        case Needs::monitoring:
            if (call.monitors()) return std::nullopt;
            return unauthorised("Not monitor user");
        case Needs::administrator:
            if (call.administers()) return std::nullopt;
            return unauthorised("Not administrator user");
    }
    return unauthorised("User not authorised to access object");
}

bool from_another_site(const http::Request& request) {
    const std::string_view site = request.header("sec-fetch-site");
    if (site == "cross-site" || site == "same-site") return true;
    const std::string_view origin = request.header("origin");
    if (origin.empty()) return false;
    const auto host = origin.find("://");
    return host == std::string_view::npos || origin.substr(host + 3) != request.header("host");
}

}  // namespace posthorn::management
