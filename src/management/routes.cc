#include "routes.h"

#include <fmt/format.h>

#include "access.h"
#include "desk.h"
#include "http/path.h"

namespace posthorn::management {

void Routes::add(http::Verb verb, std::string_view path, Needs needs, Handler handler) {
    routes_.push_back({verb, http::segments_of(path), needs, handler, nullptr});
}

void Routes::add(http::Verb verb, std::string_view path, Needs needs, LateHandler late) {
    routes_.push_back({verb, http::segments_of(path), needs, nullptr, late});
}

void Routes::route(http::Request request, const http::Reply& reply) const {
    static constexpr std::string_view prefix = "/api";
    auto segments = http::segments_of(request.path().substr(prefix.size()));
    if (segments.size() > 1 && segments.back().empty()) segments.pop_back();  // as the original takes it
    const http::Verb verb = request.verb == http::Verb::head ? http::Verb::get : request.verb;
    std::string allowed;
    for (const Route& route : routes_) {
        auto parameters = http::match(route.segments, segments);
        if (!parameters) continue;
        if (route.verb == verb) {
            request.parameters = std::move(*parameters);
            return call(route, std::move(request), reply);
        }
        allowed += fmt::format("{}{}", allowed.empty() ? "" : ", ", http::name(route.verb));
    }
    if (allowed.empty()) return reply(not_found());
    auto response = http::Response::failure(405, "method_not_allowed", "Method Not Allowed");
    response.headers.emplace_back("Allow", allowed);
    reply(std::move(response));
}

void Routes::call(const Route& route, http::Request request, const http::Reply& reply) const {
    Call call{std::move(request), {}};
    if (auto refused = log_in(desk_, call.request, call.user)) return reply(*std::move(refused));
    if (auto refused = refuse(desk_, call, route.needs)) return reply(*std::move(refused));
    if (route.verb != http::Verb::get && from_another_site(call.request))
        return reply(
            http::Response::failure(403, "forbidden", "a page of another site may change nothing here"));
    if (route.late) return route.late(desk_, std::move(call), reply);
    auto ages = ages_of(call.request);
    if (!ages) return reply(http::Response::failure(400, "invalid_range_parameters", ages.error().message));
    desk_.ages = *ages;
    broker::Catalog& catalog = desk_.broker.catalog();
    catalog.begin_request();
    auto response = route.handler(desk_, call);
    desk_.ages = {};
    desk_.held_answers.hold(catalog.awaited(), std::move(response), reply);
}

}  // namespace posthorn::management
