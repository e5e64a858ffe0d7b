#pragma once

#include "auth/users.h"
#include "json.h"

namespace posthorn::management {

/// As they stand in the list of user limits and in definitions.
Json limits_json(const auth::UserLimits& limits);
/// Changes those `value` names; a negative number takes one away.
Result<void> put_limits(auth::Users& users, std::string_view user, const Json& value);

}  // namespace posthorn::management
