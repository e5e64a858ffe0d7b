#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace posthorn::http {

using Handler = std::function<Response(const Request&)>;
/// Takes the answer, once, on the thread the handlers run on; now or later.
using Reply = std::function<void(Response)>;
/// A handler that may answer later, when something else has happened.
using LateHandler = std::function<void(Request, Reply)>;

/// A table of verb, path pattern and handler, searched from the top. In a pattern `{name}` stands for one
/// segment of the path, decoded after the path was split, so that `%2F` may be part of a name:
///
///     router.add(Verb::get, "/v1/topics/{topic}", handler);
///
/// HEAD is answered by the GET handler (the server leaves the body out). An unknown path is 404, a known one
/// with another verb 405 with the verbs it has, one with a broken escape 400.
class Router {
  public:
    void add(Verb verb, std::string_view pattern, Handler handler);
    /// Everything at or below `prefix` ("/api") that no route takes: whoever is there routes by himself.
    void mount(std::string_view prefix, LateHandler handler);
    /// Calls the handler; fills the request's `parameters` first.
    void route(Request request, const Reply& reply) const;
    /// The same where everything answers at once.
    Response route(Request request) const;

  private:
    struct Route {
        Verb verb;
        std::vector<std::string> segments;
        Handler handler;
    };
    struct Mount {
        std::string prefix;
        LateHandler handler;
    };
    std::vector<Route> routes_;
    std::vector<Mount> mounts_;
};

}  // namespace posthorn::http
