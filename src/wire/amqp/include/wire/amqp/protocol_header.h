#pragma once

#include <array>
#include <cstddef>
#include <string>

#include "base/bytes.h"

namespace posthorn::wire::amqp {

/// The eight bytes a client sends before its first frame: "AMQP" 0 0 9 1. The same bytes are what a server
/// answers to anything else before it closes.
inline constexpr std::size_t kProtocolHeaderSize = 8;
inline constexpr std::array<std::byte, kProtocolHeaderSize> kProtocolHeader{
    std::byte{'A'}, std::byte{'M'}, std::byte{'Q'}, std::byte{'P'},
    std::byte{0},   std::byte{0},   std::byte{9},   std::byte{1}};

struct ProtocolHeaderScan {
    enum class State {
        incomplete,  ///< nothing wrong yet, come again with more
        accepted,    ///< `kProtocolHeaderSize` bytes are done with; send connection.start
        refused,     ///< send `kProtocolHeader`, then close
    };
    State state = State::incomplete;
    std::string reason;  ///< when refused, for the log: which protocol it looks like
};

/// Looks at the beginning of a fresh connection. Accepts 0-9-1 and, as RabbitMQ does, "AMQP" 1 1 0 9 (0-9);
/// 0-8, which RabbitMQ 3.10 still spoke and 4 does not, is refused. Like RabbitMQ it judges only whole
/// headers; a stranger who sends fewer bytes runs into the handshake timeout.
ProtocolHeaderScan scan_protocol_header(Bytes stream);

}  // namespace posthorn::wire::amqp
