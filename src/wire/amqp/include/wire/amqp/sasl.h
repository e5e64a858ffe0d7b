#pragma once

#include <optional>
#include <string_view>

#include "base/bytes.h"

namespace posthorn::wire::amqp {

/// What a client says of itself in connection.start-ok. Views into the response.
struct Credentials {
    std::string_view user;
    std::string_view password;
};

/// PLAIN (RFC 4616): authorisation identity, 0, user, 0, password. The first is ignored, as RabbitMQ ignores
/// it. Empty when the zeros are missing.
std::optional<Credentials> parse_plain(std::string_view response);
/// AMQPLAIN: the fields of a table (without its length) with the texts LOGIN and PASSWORD.
std::optional<Credentials> parse_amqplain(std::string_view response);

void append_plain(Buffer& out, const Credentials& credentials);
void append_amqplain(Buffer& out, const Credentials& credentials);

}  // namespace posthorn::wire::amqp
