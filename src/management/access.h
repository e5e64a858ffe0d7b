#pragma once

#include <optional>

#include "call.h"
#include "routes.h"

namespace posthorn::management {

/// The user whose name and password the request brings, or what to answer without.
std::optional<http::Response> log_in(const Desk& desk, const http::Request& request, auth::User& user);
/// What to answer if this user may not call.
std::optional<http::Response> refuse(const Desk& desk, const Call& call, Needs needs);
/// A page of another site sends this with the password the browser remembers: to be refused.
bool from_another_site(const http::Request& request);

}  // namespace posthorn::management
