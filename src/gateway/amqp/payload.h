#pragma once

#include <string_view>

#include "base/bytes.h"
#include "store/record.h"

namespace posthorn::gateway::amqp {

/// A message as this gateway stores it (docs/formats/amqp-message.md): what basic.publish said, in the bytes
/// in which basic.deliver says it again.
///
///     0                  4                 4 + p
///     +------------------+-----------------+----------+----------+------+
///     | properties p     | properties      | exchange | key      | body |
///     | 32 bit, network  | flags, values   | shortstr | shortstr |      |
///     +------------------+-----------------+----------+----------+------+
inline constexpr store::Format kPayloadFormat{2};
/// The same, and the properties have the header BCC, which routes dead letters and delayed messages and is
/// shown to nobody.
inline constexpr store::Format kBlindPayloadFormat{3};

struct Payload {
    Bytes properties;  ///< flags and values, as in a content header
    std::string_view exchange, key;
    Bytes body;
};

/// False for bytes that are no such message: a damaged record, or one of another gateway.
bool read_payload(Bytes stored, Payload& payload);
void append_payload(Buffer& out, const Payload& payload);
/// Of a stored message, as it was stored; an empty one where it is none of ours.
Payload payload_of(const store::Record& message);

}  // namespace posthorn::gateway::amqp
