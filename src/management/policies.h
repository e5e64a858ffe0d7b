#pragma once

#include "exchange/virtual_host.h"
#include "json.h"

namespace posthorn::management {

/// As a policy stands in a list or in definitions.
Json policy_row(std::string_view vhost, const exchange::Policy& policy);
/// As an operator policy stands among the parameters.
Json policy_value(const exchange::Policy& policy);
/// Of a body or a definition: pattern, definition, priority, apply-to.
Result<void> put_policy(exchange::VirtualHost& host, std::string_view name, const Json& body,
                        bool of_operator);

}  // namespace posthorn::management
