#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "wire/amqp/frame.h"
#include "wire/amqp/methods.h"
#include "wire/amqp/violation.h"

namespace posthorn::wire::amqp {

/// Appends one method frame, whole, in one stretch. Instantiated for every method. Methods are never split:
/// that one fits the peer's frame_max is the caller's to see to where it sends long tables.
template <class M>
void append_method(Buffer& out, std::uint16_t channel, const M& method);

/// Tells the peer what it did wrong: connection.close on channel 0 when the code asks for it or `channel` is
/// 0, else channel.close. Returns true when it is the connection.
bool append_close(Buffer& out, std::uint16_t channel, const Violation& violation);

/// Appends a method with content: its frame, the header frame, and as many body frames as `frame_max` (0 for
/// no limit) asks for; none for an empty body. `properties` are flags and values as received or as
/// `append_properties` wrote them, passed through unchanged; the header frame cannot be split either, and is
/// sent, as RabbitMQ does, even if longer than `frame_max`. For BasicPublish, BasicDeliver, BasicGetOk,
/// BasicReturn.
template <class M>
void append_content(Buffer& out, std::uint16_t channel, const M& method, Bytes properties, Bytes body,
                    std::uint32_t frame_max);

/// How many bytes `append_content` appends.
template <class M>
std::size_t content_size(const M& method, Bytes properties, std::size_t body_size, std::uint32_t frame_max);

/// The beginning of it: method and header frame. Body frames of at most `max_body_payload(frame_max)` bytes
/// follow.
template <class M>
void append_content_head(Buffer& out, std::uint16_t channel, const M& method, Bytes properties,
                         std::uint64_t body_size);
constexpr std::size_t max_body_payload(std::uint32_t frame_max) {
    return frame_max == 0 ? 0xFFFF'FFFF : frame_max - kFrameOverhead;
}

}  // namespace posthorn::wire::amqp
