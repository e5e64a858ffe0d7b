#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/value.h"

namespace posthorn::exchange {

/// Whoever may hold something exclusively: a connection. Given by the gateway, never reused; 0 is nobody.
using OwnerId = std::uint64_t;

/// What a queue shall be.
struct QueueSpec {
    std::string name;  ///< empty: the virtual host makes one, "amq.gen-" and 22 characters
    bool durable = false;
    bool exclusive = false;  ///< of `owner`: nobody else uses it, and it goes with its owner
    bool auto_delete = false;
    OwnerId owner = 0;
    model::Arguments arguments;
};

enum class Overflow : std::uint8_t { drop_head, reject_publish, reject_publish_dead_letter };

/// What the arguments and the policies in force mean together: of two limits the smaller one, of two names
/// the argument's. Unset is no limit.
struct QueueSettings {
    std::optional<std::int64_t> message_ttl_ms;
    std::optional<std::int64_t> expires_ms;  ///< unused for so long: deleted
    std::optional<std::uint64_t> max_length;
    std::optional<std::uint64_t> max_length_bytes;  ///< of bodies
    Overflow overflow = Overflow::drop_head;
    std::optional<std::string> dead_letter_exchange;
    std::optional<std::string> dead_letter_key;  ///< unset: the message's own keys
    std::optional<std::uint32_t> delivery_limit;
    std::uint8_t max_priority = 0;  ///< 0: one lane, no priorities
    bool single_active_consumer = false;
    bool quorum = false;  ///< declared as quorum: confirms wait for the sync, `x-delivery-count` is told
    bool confirm_written = false;  ///< policy `confirm: written`: confirms wait for the write only
};

/// For people and the management pages. Only ready messages count against limits.
struct QueueCounts {
    std::uint64_t ready = 0, unacked = 0;
    std::uint64_t ready_bytes = 0, unacked_bytes = 0;  ///< of bodies
    std::uint64_t persistent = 0;
    std::uint32_t consumers = 0;
    std::uint64_t published = 0, delivered = 0, delivered_settled = 0, got = 0, got_settled = 0;
    std::uint64_t acknowledged = 0, redelivered = 0;
    std::uint64_t expired = 0, dropped = 0, rejected = 0, dead_lettered = 0;
};

}  // namespace posthorn::exchange
