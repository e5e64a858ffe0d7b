#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace posthorn::http {

using Handler = std::function<Response(const Request&)>;

/// A table of verb, path pattern and handler, searched from the top. In a pattern `{name}` stands for one
/// segment of the path, decoded after the path was split, so that `%2F` may be part of a name:
///
///     router.add(Verb::get, "/v1/topics/{topic}", handler);
///
/// HEAD is answered by the GET handler (the server leaves the body out). An unknown path is 404, a known one
/// with another verb 405 with the verbs it has.
class Router {
  public:
    void add(Verb verb, std::string_view pattern, Handler handler);
    /// Calls the handler; fills the request's `parameters` first.
    Response route(Request request) const;

  private:
    struct Route {
        Verb verb;
        std::vector<std::string> segments;
        Handler handler;
    };
    std::vector<Route> routes_;
};

}  // namespace posthorn::http
