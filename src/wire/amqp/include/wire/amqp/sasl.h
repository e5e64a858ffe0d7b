#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace posthorn::wire::amqp {

/// What a client says of itself in connection.start-ok. Views into the response.
struct Credentials {
    std::string_view user = {};
    std::string_view password = {};
};

/// PLAIN (RFC 4616): 0, user, 0, password. Like RabbitMQ it takes neither an authorisation identity before
/// the first zero nor a further zero in the password.
std::optional<Credentials> parse_plain(std::string_view response);
/// AMQPLAIN: the fields of a table (without its length) with LOGIN and PASSWORD as text or bytes.
std::optional<Credentials> parse_amqplain(std::string_view response);

void append_plain(Buffer& out, const Credentials& credentials);

}  // namespace posthorn::wire::amqp
