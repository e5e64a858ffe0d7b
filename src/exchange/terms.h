#pragma once

#include <string>

#include "model/value.h"

namespace posthorn::exchange {

/// How RabbitMQ's error texts name the type of an argument. Values here have no widths, so a whole number is
/// a signedint while it fits into one.
std::string type_name(const model::Value& value);
/// How they print its value.
std::string term(const model::Value& value);

}  // namespace posthorn::exchange
