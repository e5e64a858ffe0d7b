#pragma once

#include <array>
#include <cstdint>
#include <cstring>
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

/// The properties of the last message that said nothing of its own, by their bytes: most publishers send the
/// same ones again and again, and then nothing needs to be read.
class UsualProperties {
  public:
    /// What these bytes say; null if they are others.
    const MessageFacts* facts(Bytes properties) const {
        return size_ != 0 && properties.size() == size_ &&
                       std::memcmp(properties.data(), bytes_.data(), size_) == 0
                   ? &facts_
                   : nullptr;
    }
    /// Remembers them, if they are short and no message's own.
    void note(Bytes bytes, const wire::Properties& properties, const MessageFacts& facts);

  private:
    std::array<std::byte, 64> bytes_{};
    std::size_t size_ = 0;  ///< 0: none; the shortest there are have two bytes
    MessageFacts facts_;
};

/// The headers as routing looks at them.
class MessageHeaders final : public exchange::HeaderSource {
  public:
    explicit MessageHeaders(const wire::Properties& properties) : properties_(properties) {}
    std::optional<model::Value> find(std::string_view name) const override;
    std::optional<std::string> property(std::string_view name) const override;

  private:
    const wire::Properties& properties_;
};

/// Appends `properties`, which have headers, to `out` without the header BCC.
void append_without_blind_copies(Buffer& out, const wire::Properties& properties);
/// The same for stored ones; the result lies in `out`. What cannot be read comes back as it is.
Bytes without_blind_copies(Bytes properties, Buffer& out);

}  // namespace posthorn::gateway::amqp
