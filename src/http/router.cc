#include "http/router.h"

#include <fmt/core.h>

#include <optional>

#include "base/check.h"
#include "http/path.h"

namespace posthorn::http {
namespace {

bool below(std::string_view path, std::string_view prefix) {
    return path.starts_with(prefix) && (path.size() == prefix.size() || path[prefix.size()] == '/');
}

}  // namespace

void Router::add(Verb verb, std::string_view pattern, Handler handler) {
    routes_.push_back({verb, segments_of(pattern), std::move(handler)});
}

void Router::mount(std::string_view prefix, LateHandler handler) {
    mounts_.push_back({std::string(prefix), std::move(handler)});
}

void Router::route(Request request, const Reply& reply) const {
    const std::string_view path = request.path();
    if (!path.starts_with('/'))
        return reply(Response::failure(400, "bad_request", "the path must begin with a /"));
    if (!well_escaped(path))
        return reply(Response::failure(400, "bad_request", "a % in a path is followed by two hex digits"));
    const auto segments = segments_of(path);
    const Verb verb = request.verb == Verb::head ? Verb::get : request.verb;
    std::string allowed;
    for (const Route& route : routes_) {
        auto parameters = match(route.segments, segments);
        if (!parameters) continue;
        if (route.verb == verb) {
            request.parameters = std::move(*parameters);
            return reply(route.handler(request));
        }
        allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", name(route.verb));
        if (route.verb == Verb::get) allowed += ", HEAD";
    }
    if (!allowed.empty()) {
        auto response =
            Response::failure(405, "method_not_allowed", fmt::format("{} understands {}", path, allowed));
        response.headers.emplace_back("Allow", allowed);
        return reply(std::move(response));
    }
    for (const Mount& mount : mounts_)
        if (below(path, mount.prefix)) return mount.handler(std::move(request), reply);
    reply(Response::failure(404, "not_found", fmt::format("there is no {}", path)));
}

Response Router::route(Request request) const {
    std::optional<Response> answer;
    route(std::move(request), [&answer](Response response) { answer = std::move(response); });
    POSTHORN_CHECK(answer, "a handler that answers later was asked for its answer at once");
    return *std::move(answer);
}

}  // namespace posthorn::http
