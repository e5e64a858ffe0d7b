#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "broker/broker.h"
#include "model/value.h"

namespace posthorn::exchange {

/// The headers of a message, looked into only by those who route by them. The gateway answers from its bytes.
class HeaderSource {
  public:
    virtual ~HeaderSource() = default;
    virtual std::optional<model::Value> find(std::string_view name) const = 0;
    /// `message_id`, `correlation_id` or `timestamp`, for consistent hashing by property.
    virtual std::optional<std::string> property(std::string_view) const { return std::nullopt; }
};

/// A message on its way to an exchange. Everything is a view and copied before `publish` returns.
struct Publication {
    std::string_view exchange;
    std::string_view key;
    std::span<const std::string_view> more_keys;  ///< CC and BCC: routed by each of them as well
    const HeaderSource* headers = nullptr;

    store::Format format{};
    bool persistent = false;
    std::uint8_t priority = 0;
    std::optional<std::int64_t> ttl_ms;  ///< of this message; a queue may be stricter
    std::int64_t delay_ms = 0;           ///< heeded when `exchange` is of type x-delayed-message
    std::uint64_t message_key = 0;       ///< store::key_hash of the client's message id
    std::uint32_t body_bytes = 0;        ///< what `max_length_bytes` counts
    Bytes payload;                       ///< as it will be delivered; names exchange and key in it as well
};

/// What became of a publication.
struct Published {
    enum class Outcome : std::uint8_t {
        routed,      ///< in at least one queue, or delayed
        unroutable,  ///< no binding wanted it, nor an alternate exchange
        rejected,    ///< a full queue that rejects was among its targets: to be told as a nack
    };
    Outcome outcome = Outcome::unroutable;
    /// Routed, and to be confirmed when `Broker::state(*receipt, must_sync)` is kept. Nothing: at once. Also
    /// set when one of several targets rejected: the others keep the message.
    std::optional<broker::Receipt> receipt;
    bool must_sync = false;
};

}  // namespace posthorn::exchange
