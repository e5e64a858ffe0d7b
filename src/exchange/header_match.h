#pragma once

#include "base/result.h"
#include "exchange/message.h"
#include "model/value.h"

namespace posthorn::exchange {

/// Whether a headers exchange lets a message through a binding with these arguments. `x-match` is all (also
/// when unset), any, all-with-x or any-with-x; the plain two look past names that begin with "x-". An
/// argument without a value asks only that the header is there. Values of different kinds never match:
/// neither 1 and 1.0, nor a text and the same bytes (rabbit_misc:type_class).
bool headers_match(const model::Arguments& binding, const HeaderSource* headers);
/// Invalid, in RabbitMQ's words, when `x-match` says anything else.
Result<void> check_x_match(const model::Arguments& binding);

}  // namespace posthorn::exchange
