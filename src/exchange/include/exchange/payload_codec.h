#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "broker/broker.h"
#include "exchange/message.h"

namespace posthorn::exchange {

/// RabbitMQ writes them rejected, expired, maxlen and delivery_limit.
enum class DeathReason : std::uint8_t { rejected, expired, max_length, delivery_limit };

/// What is noted on a message when it dies in a queue.
struct Death {
    DeathReason reason{};
    std::string_view queue;
    std::int64_t wall_ms = 0;
    std::string_view new_exchange;         ///< it is published to
    const std::string* new_key = nullptr;  ///< null: it keeps its own; else CC is removed as well
};

/// What routing needs to know of a stored message that travels on.
struct Travelling {
    std::string exchange, key;
    std::vector<std::string> more_keys;  ///< CC and BCC
    std::uint8_t priority = 0;
    std::optional<std::int64_t> ttl_ms;  ///< its own expiry; a buried one has none
    std::int64_t delay_ms = 0;           ///< should it come to an exchange of type x-delayed-message
    std::uint32_t body_bytes = 0;
    Buffer payload;
    std::unique_ptr<HeaderSource> headers;  ///< for exchanges that route by them; may be null
    /// Queues it must not enter again: it would go round in a circle that nobody's rejection drives. These
    /// are the queues it died in, from the newest death on, down to the first that was a rejection.
    std::vector<std::string> closed_circle;
};

/// The one who wrote the payloads of a format and can write on them. Lives as long as the virtual hosts.
class PayloadCodec {
  public:
    virtual ~PayloadCodec() = default;
    /// The message as it goes to the dead letter exchange: with its death noted (RabbitMQ: `x-death`,
    /// `x-first-death-*`), without its own expiry.
    virtual Travelling bury(const broker::Stored& message, const Death& death) = 0;
    /// A delayed message as it was published, now that it is due.
    virtual Travelling open(const broker::Stored& message) = 0;
};

}  // namespace posthorn::exchange
