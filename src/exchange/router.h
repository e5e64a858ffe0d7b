#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "exchange_state.h"
#include "matcher.h"
#include "route_hash.h"

namespace posthorn::exchange {

class HostState;
class QueueState;

/// Where a message goes that is published to an exchange with a key.
struct Route {
    ExchangeState* exchange = nullptr;
    std::vector<QueueState*> queues;  ///< each once
};

/// Follows bindings, also from exchange to exchange and round in circles, and remembers where that led: a key
/// seen before costs one lookup, without allocation. Whatever changes names, bindings or alternates calls
/// `changed`.
class Router {
  public:
    explicit Router(HostState& host) : host_(host) {}

    void changed() { ++generation_; }
    /// The route as it was found before; null if it has to be found (again).
    const Route* known(std::string_view exchange, std::string_view key) const {
        if (slots_.empty()) return nullptr;
        const std::uint64_t hash = route_hash(key, route_hash(exchange));
        const Slot& slot = slots_[hash % slots];
        return slot.hash == hash && slot.generation == generation_ && slot.is(exchange, key) ? &slot.route
                                                                                             : nullptr;
    }
    /// Good until the next call, or the next change.
    const Route& find(ExchangeState& exchange, const RoutingInput& input,
                      std::span<const std::string_view> more_keys = {});

  private:
    // 90 bytes each and what the queues take: room for the keys that are busy at one time.
    static constexpr std::size_t slots = 2048;
    // Following more bindings than that costs so much that a lookup saves little.
    static constexpr std::size_t queues_max = 64;

    struct Slot {
        std::uint64_t hash = 0;
        std::uint64_t generation = 0;
        std::string names;  ///< exchange and key
        std::size_t exchange_bytes = 0;
        Route route;
        bool is(std::string_view exchange, std::string_view key) const {
            return exchange_bytes == exchange.size() && names.size() == exchange.size() + key.size() &&
                   std::string_view(names).starts_with(exchange) && std::string_view(names).ends_with(key);
        }
    };

    /// True when the same key will lead to the same queues.
    bool follow(ExchangeState& exchange, RoutingInput input, std::span<const std::string_view> more_keys,
                Route& route);
    bool follow_one(ExchangeState& exchange, const RoutingInput& input,
                    std::span<const std::string_view> more_keys, Route& route);
    void reach(ExchangeState& exchange);
    void reach(QueueState& queue, Route& route);

    HostState& host_;
    std::uint64_t generation_ = 1;
    std::uint64_t visit_ = 0;
    std::vector<Slot> slots_;
    Route route_;  ///< the last one that is not remembered
    std::vector<ExchangeState*> open_;
    std::vector<BindingRecord*> found_;
};

}  // namespace posthorn::exchange
