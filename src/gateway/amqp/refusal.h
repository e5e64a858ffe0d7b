#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "names.h"

namespace posthorn::gateway::amqp {

/// What the engine refused, as a client hears it.
Refusal refused(const Error& error);

/// A name without carriage returns and line feeds, which RabbitMQ drops from the names it declares. `scratch`
/// holds the rest when there were any.
std::string_view without_line_breaks(std::string_view name, std::string& scratch);

}  // namespace posthorn::gateway::amqp
