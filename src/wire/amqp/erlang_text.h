#pragma once

#include <string>

#include "base/bytes.h"

namespace posthorn::wire::amqp {

/// Bytes as RabbitMQ's error texts show them: <<0,60,0,110,1>>.
std::string erlang_numbers(Bytes bytes);
/// The same, or <<"abc">> when all of it is printable.
std::string erlang_binary(Bytes bytes);

}  // namespace posthorn::wire::amqp
