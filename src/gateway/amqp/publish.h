#pragma once

#include <string_view>

#include "base/bytes.h"

namespace posthorn::gateway::amqp {

/// A basic.publish with its content; views.
struct Message {
    std::string_view exchange, key;
    bool mandatory = false;
    Bytes properties;  ///< flags and values, as they came
    Bytes body;
};

}  // namespace posthorn::gateway::amqp
