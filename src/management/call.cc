#include "call.h"

namespace posthorn::management {

using http::Response;

Response answer(const Json& json, unsigned status) {
    Response response;
    response.status = status;
    response.body = text_of(json);
    return response;
}

Response made(bool was_there, std::string location) {
    Response response;
    response.status = was_there ? 204 : 201;
    if (!location.empty()) response.headers.emplace_back("Location", std::move(location));
    return response;
}

Response no_content() {
    return made(true);
}

Response gone(const Result<void>& removed) {
    if (removed) return no_content();
    return removed.error().code == Errc::not_found ? not_found() : failed(removed.error());
}

Response not_found() {
    return Response::failure(404, "Object Not Found", "Not Found");
}

Response unauthorised(std::string_view reason) {
    return Response::failure(401, "not_authorised", reason);
}

Response failed(const Error& error) {
    switch (error.code) {
        case Errc::not_found:
            return Response::failure(404, "not_found", error.message);
        case Errc::denied:
            return unauthorised(error.message);
        case Errc::invalid:
        case Errc::exists:
        case Errc::busy:
        case Errc::unsupported:
            return Response::failure(400, "bad_request", error.message);
        case Errc::full:
        case Errc::no_space:
        case Errc::read_only:
        case Errc::loading:
            return Response::failure(503, "unavailable", error.message);
        case Errc::io:
        case Errc::damaged:
            break;
    }
    return Response::failure(500, "internal_error", error.message);
}

}  // namespace posthorn::management
