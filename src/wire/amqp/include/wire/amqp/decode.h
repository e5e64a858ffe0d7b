#pragma once

#include <optional>

#include "base/bytes.h"
#include "wire/amqp/methods.h"
#include "wire/amqp/violation.h"

namespace posthorn::wire::amqp {

/// Which method a method frame holds; `none` when its payload has no room for the ids. A number outside the
/// enumeration comes out as it is.
inline MethodCode method_of(Bytes payload) {
    return payload.size() < 4 ? MethodCode::none
                              : static_cast<MethodCode>(load_be<std::uint32_t>(payload.data()));
}

/// Decodes the payload of a method frame (ids included) into the struct the caller chose by `method_of`. No
/// allocation. False when the fields do not fit the bytes or a table is malformed; bytes behind the last
/// field are malformed too. Names must be UTF-8, but for exchange and routing key of the methods with
/// content, where RabbitMQ does not look either. Instantiated for every method.
///
///     switch (method_of(payload)) {
///         case MethodCode::basic_ack: {
///             BasicAck ack;
///             if (!decode(payload, ack)) return malformed(payload);
template <class M>
[[nodiscard]] bool decode(Bytes payload, M& method);

/// Any method, for whoever wants a variant to visit. Empty when unknown or malformed.
std::optional<Method> decode_any(Bytes payload);

/// FRAME_ERROR for a payload that `decode` refused, with RabbitMQ's text. (For a malformed table
/// RabbitMQ 3.10 drops the connection without a word.)
Violation malformed(Bytes payload);
/// COMMAND_INVALID "unimplemented method": for ids nobody knows (RabbitMQ 3.10 drops the connection there)
/// and for methods that are the other side's to send.
Violation unimplemented_method(MethodCode code);

}  // namespace posthorn::wire::amqp
