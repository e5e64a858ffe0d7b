#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "binding_record.h"
#include "exchange/exchange.h"
#include "exchange/message.h"

namespace posthorn::exchange {

/// What a message is routed by.
struct RoutingInput {
    std::string_view key;
    const HeaderSource* headers = nullptr;
    std::uint64_t chance = 0;  ///< for those that leave it to chance
};

/// The bindings of one exchange, found as its type finds them.
class Matcher {
  public:
    static std::unique_ptr<Matcher> make(ExchangeType type, const model::Arguments& exchange);
    virtual ~Matcher() = default;

    /// Invalid in RabbitMQ's words when this type of exchange cannot use the binding.
    virtual Result<void> check(const Binding& binding) const;
    virtual void add(BindingRecord& binding) = 0;
    virtual void remove(BindingRecord& binding) = 0;
    virtual void match(const RoutingInput& input, std::vector<BindingRecord*>& found) const = 0;
    /// The same key finds the same bindings as long as none comes or goes.
    virtual bool by_key_alone() const { return true; }
};

/// Nothing for a type nobody knows. `x-delayed-message` is the type in its argument `x-delayed-type`.
Result<ExchangeType> exchange_type(const ExchangeSpec& spec);
inline constexpr std::string_view delayed_type = "x-delayed-message";

}  // namespace posthorn::exchange
