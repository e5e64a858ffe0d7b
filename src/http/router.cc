#include "http/router.h"

#include <fmt/core.h>

#include <optional>

namespace posthorn::http {
namespace {

std::vector<std::string> segments_of(std::string_view path) {
    std::vector<std::string> segments;
    while (!path.empty()) {
        path.remove_prefix(1);  // the slash
        const auto segment = path.substr(0, path.find('/'));
        segments.emplace_back(segment);
        path.remove_prefix(segment.size());
    }
    return segments;
}

bool is_parameter(const std::string& segment) {
    return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

std::optional<NamedValues> match(const std::vector<std::string>& pattern,
                                 const std::vector<std::string>& path) {
    if (pattern.size() != path.size()) return {};
    NamedValues parameters;
    for (std::size_t i = 0; i < path.size(); ++i) {
        if (is_parameter(pattern[i]))
            parameters.emplace_back(pattern[i].substr(1, pattern[i].size() - 2), decode(path[i]));
        else if (pattern[i] != path[i])
            return {};
    }
    return parameters;
}

}  // namespace

void Router::add(Verb verb, std::string_view pattern, Handler handler) {
    routes_.push_back({verb, segments_of(pattern), std::move(handler)});
}

Response Router::route(Request request) const {
    const std::string_view path = request.path();
    if (!path.starts_with('/')) return Response::failure(400, "bad_request", "the path must begin with a /");
    const auto segments = segments_of(path);
    const Verb verb = request.verb == Verb::head ? Verb::get : request.verb;
    std::string allowed;
    for (const Route& route : routes_) {
        auto parameters = match(route.segments, segments);
        if (!parameters) continue;
        if (route.verb == verb) {
            request.parameters = std::move(*parameters);
            return route.handler(request);
        }
        allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", name(route.verb));
        if (route.verb == Verb::get) allowed += ", HEAD";
    }
    if (allowed.empty()) return Response::failure(404, "not_found", fmt::format("there is no {}", path));
    auto response =
        Response::failure(405, "method_not_allowed", fmt::format("{} understands {}", path, allowed));
    response.headers.emplace_back("Allow", allowed);
    return response;
}

}  // namespace posthorn::http
