#pragma once

#include <cstdint>
#include <string>

#include "model/value.h"

namespace posthorn::exchange {

/// How an exchange chooses among its bindings.
enum class ExchangeType : std::uint8_t {
    direct,           ///< routing key equal to the binding's
    fanout,           ///< every binding
    topic,            ///< words between dots; `*` is one word, `#` any number, none included
    headers,          ///< the binding's arguments against the message's headers, by `x-match`
    consistent_hash,  ///< one of the bindings by the hash of the key; the binding key is its weight
    random,           ///< one of the bindings
};

/// What an exchange shall be. Names as RabbitMQ's users know them.
struct ExchangeSpec {
    std::string name;
    std::string type = "direct";  ///< as declared; "x-delayed-message" keeps its inner type in the arguments
    bool durable = false;
    bool auto_delete = false;
    bool internal = false;  ///< only other exchanges may publish to it
    model::Arguments arguments;
};

struct ExchangeCounts {
    std::uint64_t in = 0;   ///< messages published to it
    std::uint64_t out = 0;  ///< copies it sent on
};

}  // namespace posthorn::exchange
