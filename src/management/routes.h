#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "call.h"
#include "http/router.h"

namespace posthorn::management {

struct Desk;

/// Who may call. Each is more than the one before but for the virtual hosts; an administrator may all.
enum class Needs {
    login,          ///< any of the tags
    vhost,          ///< and may enter the path's `{vhost}`, an administrator too; 404 if it is not there
    policymaker,    ///< the tag policymaker, and, if the path names one, may enter the virtual host
    monitoring,     ///< the tag monitoring
    administrator,  ///< the tag administrator; a `{vhost}` in the path must be there
};

/// The table of what is below /api: verb, path, who may, handler. What a `Handler` says goes out when the
/// names it changed, or found as they were wanted while they are on their way to the disk, are durable.
class Routes {
  public:
    using Handler = http::Response (*)(Desk&, const Call&);
    using LateHandler = void (*)(Desk&, Call, http::Reply);

    explicit Routes(Desk& desk) : desk_(desk) {}

    void get(std::string_view path, Needs needs, Handler handler) {
        add(http::Verb::get, path, needs, handler);
    }
    void get(std::string_view path, Needs needs, LateHandler late) {
        add(http::Verb::get, path, needs, late);
    }
    void put(std::string_view path, Needs needs, Handler handler) {
        add(http::Verb::put, path, needs, handler);
    }
    void post(std::string_view path, Needs needs, Handler handler) {
        add(http::Verb::post, path, needs, handler);
    }
    void post(std::string_view path, Needs needs, LateHandler late) {
        add(http::Verb::post, path, needs, late);
    }
    void del(std::string_view path, Needs needs, Handler handler) {
        add(http::Verb::del, path, needs, handler);
    }

    void route(http::Request request, const http::Reply& reply) const;

  private:
    struct Route {
        http::Verb verb;
        std::vector<std::string> segments;
        Needs needs;
        Handler handler = nullptr;
        LateHandler late = nullptr;
    };
    void add(http::Verb verb, std::string_view path, Needs needs, Handler handler);
    void add(http::Verb verb, std::string_view path, Needs needs, LateHandler late);
    void call(const Route& route, http::Request request, const http::Reply& reply) const;

    Desk& desk_;
    std::vector<Route> routes_;
};

}  // namespace posthorn::management
