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
/// field are malformed too. Instantiated for every method.
///
///     switch (method_of(payload)) {
///         case MethodCode::basic_ack: {
///             BasicAck ack;
///             if (!decode(payload, ack)) return malformed(payload);
template <class M>
[[nodiscard]] bool decode(Bytes payload, M& method);

/// Any method, for whoever wants a variant to visit. Empty when unknown or malformed.
std::optional<Method> decode_any(Bytes payload);

/// The violation for a payload that `decode` refused.
Violation malformed(Bytes payload);
/// The violation for ids nobody knows.
Violation unknown_method(Bytes payload);

}  // namespace posthorn::wire::amqp
