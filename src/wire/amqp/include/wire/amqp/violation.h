#pragma once

#include <string>

#include "wire/amqp/method_code.h"
#include "wire/amqp/reply_code.h"

namespace posthorn::wire::amqp {

/// What a peer did wrong, ready for connection.close or channel.close: `closes_connection(code)` says which,
/// `reply_text(code, detail)` is its text, `method` gives its class and method id.
struct Violation {
    ReplyCode code = ReplyCode::success;
    MethodCode method = MethodCode::none;
    std::string detail;
};

}  // namespace posthorn::wire::amqp
