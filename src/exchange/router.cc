#include "router.h"

#include "desk.h"
#include "host_state.h"

namespace posthorn::exchange {

const Route& Router::find(ExchangeState& exchange, const RoutingInput& input,
                          std::span<const std::string_view> more_keys) {
    route_.queues.clear();
    const bool again = follow(exchange, input, more_keys, route_);
    if (!again || !more_keys.empty() || route_.queues.size() > queues_max) return route_;
    if (slots_.empty()) slots_.resize(slots);
    const std::uint64_t hash = route_hash(input.key, route_hash(exchange.spec.name));
    Slot& slot = slots_[hash % slots];
    slot.hash = hash;
    slot.generation = generation_;
    slot.names.assign(exchange.spec.name).append(input.key);
    slot.exchange_bytes = exchange.spec.name.size();
    slot.route.exchange = &exchange;
    slot.route.queues.assign(route_.queues.begin(), route_.queues.end());
    return slot.route;
}

bool Router::follow(ExchangeState& exchange, RoutingInput input, std::span<const std::string_view> more_keys,
                    Route& route) {
    visit_ = ++host_.desk().visits;
    input.chance = host_.desk().random();
    route.exchange = &exchange;
    open_.clear();
    reach(exchange);
    bool again = true;
    while (!open_.empty()) {
        ExchangeState& next = *open_.back();
        open_.pop_back();
        again &= follow_one(next, input, more_keys, route);
    }
    return again;
}

bool Router::follow_one(ExchangeState& exchange, const RoutingInput& input,
                        std::span<const std::string_view> more_keys, Route& route) {
    if (exchange.is_default()) {
        if (QueueState* queue = host_.find_queue(input.key)) reach(*queue, route);
        for (const std::string_view key : more_keys)
            if (QueueState* queue = host_.find_queue(key)) reach(*queue, route);
        return true;
    }
    found_.clear();
    exchange.matcher->match(input, found_);
    if (exchange.matcher->by_key_alone())
        for (const std::string_view key : more_keys)
            exchange.matcher->match({key, input.headers, input.chance}, found_);
    for (const BindingRecord* binding : found_)
        if (binding->queue)
            reach(*binding->queue, route);
        else
            reach(*binding->exchange);
    if (found_.empty() && exchange.alternate)
        if (ExchangeState* alternate = host_.find_exchange(*exchange.alternate)) reach(*alternate);
    return exchange.matcher->by_key_alone();
}

void Router::reach(ExchangeState& exchange) {
    if (std::exchange(exchange.routing, visit_) != visit_) open_.push_back(&exchange);
}

void Router::reach(QueueState& queue, Route& route) {
    if (std::exchange(queue.routing, visit_) != visit_) route.queues.push_back(&queue);
}

}  // namespace posthorn::exchange
