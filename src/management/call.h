#pragma once

#include <string>
#include <string_view>

#include "auth/users.h"
#include "base/result.h"
#include "http/router.h"
#include "json.h"

namespace posthorn::management {

/// A request whose sender is known and may send it.
struct Call {
    http::Request request;
    auth::User user;  ///< a copy: users may go while a long answer is made

    /// What the path says for `{name}`.
    std::string_view operator[](std::string_view name) const { return request.parameter(name); }
    /// The path's `{vhost}`; empty for all of them.
    std::string_view vhost() const { return request.parameter("vhost"); }
    /// May see what belongs to others.
    bool monitors() const { return user.has_tag("administrator") || user.has_tag("monitoring"); }
    bool administers() const { return user.has_tag("administrator"); }
};

// Answers, in RabbitMQ's shapes.
http::Response answer(const Json& json, unsigned status = 200);
/// 201, or 204 when it was there already.
http::Response made(bool was_there, std::string location = {});
http::Response no_content();
/// 204, or 404 when it was not there.
http::Response gone(const Result<void>& removed);
http::Response not_found();
http::Response unauthorised(std::string_view reason);
http::Response failed(const Error& error);

}  // namespace posthorn::management
