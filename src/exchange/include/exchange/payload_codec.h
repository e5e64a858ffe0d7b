#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "broker/broker.h"

namespace posthorn::exchange {

enum class DeathReason : std::uint8_t { rejected, expired, max_length, delivery_limit };

/// What is noted on a message when it dies in a queue.
struct Death {
    DeathReason reason{};
    std::string_view queue;
    std::int64_t wall_ms = 0;
    std::string_view new_exchange;         ///< it is published to
    const std::string* new_key = nullptr;  ///< null: it keeps its own
};

/// What routing needs to know of a stored message that travels on.
struct Travelling {
    std::string exchange, key;
    std::vector<std::string> more_keys;
    std::uint32_t body_bytes = 0;
    bool persistent = false;
    std::uint8_t priority = 0;
    Buffer payload;
    /// Queues it must not enter again: it would go round in a circle that nobody's rejection drives.
    std::vector<std::string> closed_circle;
};

/// The one who wrote the payloads of a format and can write on them. Lives as long as the virtual hosts.
class PayloadCodec {
  public:
    virtual ~PayloadCodec() = default;
    /// The message as it goes to the dead letter exchange: with its death noted (RabbitMQ: `x-death`,
    /// `x-first-death-*`), without its own expiry.
    virtual Travelling bury(const broker::Stored& message, const Death& death) = 0;
    /// The headers of a stored message, for delayed ones that are routed when they are due.
    virtual Travelling open(const broker::Stored& message) = 0;
    virtual std::uint32_t body_bytes(const broker::Stored& message) = 0;
};

}  // namespace posthorn::exchange
