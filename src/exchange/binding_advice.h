#pragma once

#include <optional>
#include <string>

#include "exchange/exchange.h"
#include "exchange/virtual_host.h"

namespace posthorn::exchange {

/// What is worth a warning about a binding that is legal and hardly meant: a key whose `#` or `*` is a letter
/// like any other, because the exchange is direct; or several patterns in one key with commas between. In
/// both cases messages find no queue, and nobody is told.
std::optional<std::string> advice(ExchangeType type, const Binding& binding);

}  // namespace posthorn::exchange
