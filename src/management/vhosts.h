#pragma once

#include "desk.h"

namespace posthorn::management {

/// Makes it, or changes what `body` says of it: description, tags, tracing, default_queue_type. `creator`, if
/// somebody is named, may do everything in a new one.
Result<void> put_vhost(Desk& desk, std::string_view name, const Json& body, std::string_view creator);

}  // namespace posthorn::management
