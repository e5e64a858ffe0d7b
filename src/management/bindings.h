#pragma once

#include <optional>
#include <string_view>

#include "listing.h"

namespace posthorn::management {

/// Without those of the default exchange.
Listing::Walk walk_bindings(Desk& desk, const std::vector<exchange::VirtualHost*>& hosts);
/// The one at this place of a walk, if it is still there.
std::optional<exchange::Binding> binding_at(const exchange::VirtualHost& host, std::string_view place);

}  // namespace posthorn::management
