#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_set>

#include "binding_record.h"
#include "exchange/exchange.h"
#include "exchange/policy.h"
#include "matcher.h"

namespace posthorn::exchange {

/// An exchange, the bindings that leave it and those that lead to it.
class ExchangeState {
  public:
    ExchangeState(ExchangeSpec the_spec, ExchangeType the_type)
        : spec(std::move(the_spec)),
          type(the_type),
          delayed(spec.type == delayed_type),
          matcher(Matcher::make(type, spec.arguments)) {}

    const ExchangeSpec spec;
    const ExchangeType type;  ///< of a delayed one: what it does when the message is due
    const bool delayed;
    const std::unique_ptr<Matcher> matcher;
    bool is_default() const { return spec.name.empty(); }

    std::unordered_set<BindingRecord*> leaving, arriving;
    std::optional<std::string> alternate;  ///< where what no binding wants goes
    const Policy *policy = nullptr, *operator_policy = nullptr;
    ExchangeCounts counts;
    std::uint64_t routing = 0;  ///< the routing that came here last
    /// The log has a warning about a binding of it, or about a delay it was asked for: one each is enough.
    bool advised = false, delay_advised = false;
};

}  // namespace posthorn::exchange
