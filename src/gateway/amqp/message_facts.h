#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "exchange/message.h"
#include "names.h"
#include "wire/amqp/properties.h"

namespace posthorn::gateway::amqp {

/// What the server itself heeds of a message's properties.
struct MessageFacts {
    bool persistent = false;
    bool blind_copies = false;  ///< has the header BCC, which nobody but us may see
    std::uint8_t priority = 0;
    std::optional<std::int64_t> ttl_ms;
    std::int64_t delay_ms = 0;
    std::uint64_t key = 0;  ///< store::key_hash of the message id
};

/// 406 for an expiration that is no number, or copies that are no list of texts. `more_keys` are views.
Refusal read_facts(const wire::Properties& properties, MessageFacts& facts,
                   std::vector<std::string_view>& more_keys);

/// The headers as routing looks at them.
class MessageHeaders final : public exchange::HeaderSource {
  public:
    explicit MessageHeaders(const wire::Properties& properties) : properties_(properties) {}
    std::optional<model::Value> find(std::string_view name) const override;
    std::optional<std::string> property(std::string_view name) const override;

  private:
    const wire::Properties& properties_;
};

/// Copies `properties` to `out` without the header BCC.
void append_without_blind_copies(Buffer& out, const wire::Properties& properties);

}  // namespace posthorn::gateway::amqp
