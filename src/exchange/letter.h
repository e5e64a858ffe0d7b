#pragma once

#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "broker/broker.h"

namespace posthorn::exchange {

/// A message on its way into queues, its routing done. The payload is a view.
struct Letter {
    store::Format format{};
    bool persistent = false;
    std::uint8_t priority = 0;
    std::optional<std::int64_t> ttl_ms;
    std::uint64_t message_key = 0;
    std::uint32_t body_bytes = 0;
    Bytes payload;
};

/// The records of this room say in their tag how large the body is and whether the message is persistent, so
/// that limits and counts need no look at the payload.
inline constexpr std::uint32_t body_bytes_max = (1u << 30) - 1;

constexpr std::int32_t make_tag(std::uint32_t body_bytes, bool persistent) {
    const std::uint32_t size = body_bytes < body_bytes_max ? body_bytes : body_bytes_max;
    return static_cast<std::int32_t>(size | (persistent ? 1u << 30 : 0));
}
constexpr std::uint32_t tag_body_bytes(std::int32_t tag) {
    return static_cast<std::uint32_t>(tag) & body_bytes_max;
}
constexpr bool tag_persistent(std::int32_t tag) {
    return (static_cast<std::uint32_t>(tag) & 1u << 30) != 0;
}

}  // namespace posthorn::exchange
