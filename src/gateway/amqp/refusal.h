#pragma once

#include "base/result.h"
#include "names.h"

namespace posthorn::gateway::amqp {

/// What the engine refused, as a client hears it.
Refusal refused(const Error& error);

}  // namespace posthorn::gateway::amqp
