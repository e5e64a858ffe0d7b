#pragma once

#include "desk.h"

namespace posthorn::management {

/// As it stands in lists and definitions: operator policies, limits, and what others left.
std::vector<Json> parameter_rows(const Desk& desk, std::string_view component, std::string_view vhost);
std::vector<Json> global_parameter_rows(const Desk& desk);
/// Invalid for a component nobody knows. Those of plugins that are not built here (shovel, federation) are
/// kept, so that definitions come through whole, and do nothing.
Result<void> put_parameter(Desk& desk, std::string_view component, exchange::VirtualHost& host,
                           std::string_view name, const Json& value);

}  // namespace posthorn::management
