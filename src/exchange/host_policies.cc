#include <fmt/format.h>

#include "arguments.h"
#include "host_state.h"

namespace posthorn::exchange {

void HostState::apply_policies(QueueState& queue) {
    const bool quorum = is_quorum(queue.spec().arguments);
    queue.policy = policies_.find(DestinationKind::queue, queue.spec().name, quorum);
    queue.operator_policy = operator_policies_.find(DestinationKind::queue, queue.spec().name, quorum);
    queue.apply(queue_settings(queue.spec().arguments, queue.policy ? &queue.policy->definition : nullptr,
                               queue.operator_policy ? &queue.operator_policy->definition : nullptr));
}

void HostState::apply_policies(ExchangeState& exchange) {
    exchange.policy = policies_.find(DestinationKind::exchange, exchange.spec.name, false);
    exchange.operator_policy = operator_policies_.find(DestinationKind::exchange, exchange.spec.name, false);
    exchange.alternate = text_setting(
        exchange.spec.arguments, "alternate-exchange",
        exchange.policy ? &exchange.policy->definition : nullptr,
        exchange.operator_policy ? &exchange.operator_policy->definition : nullptr, "alternate-exchange");
}

void HostState::apply_all_policies() {
    for (const auto& [name, exchange] : exchanges_)
        apply_policies(*exchange);
    for (const auto& [name, queue] : queues_)
        apply_policies(*queue);
    router_.changed();
}

Result<void> HostState::put_policy(const Policy& policy, bool of_operator) {
    if (auto admitted = definitions_.admit(); !admitted) return admitted;
    if (auto put = (of_operator ? operator_policies_ : policies_).put(policy); !put) return put;
    definitions_.put_policy(name_, policy, of_operator);
    apply_all_policies();
    return {};
}

Result<void> HostState::delete_policy(std::string_view name, bool of_operator) {
    if (auto admitted = definitions_.admit(); !admitted) return admitted;
    if (!(of_operator ? operator_policies_ : policies_).erase(name))
        return Error{Errc::not_found, fmt::format("no policy '{}' in vhost '{}'", name, name_)};
    definitions_.remove_policy(name_, name, of_operator);
    apply_all_policies();
    return {};
}

void HostState::each_policy(bool of_operator, const std::function<void(const Policy&)>& visit) const {
    (of_operator ? operator_policies_ : policies_).each(visit);
}

const Policy* HostState::policy_of(DestinationKind kind, std::string_view name, bool of_operator) const {
    if (kind == DestinationKind::queue) {
        const QueueState* queue = find_queue(name);
        return !queue ? nullptr : of_operator ? queue->operator_policy : queue->policy;
    }
    const ExchangeState* exchange = find_exchange(name);
    return !exchange ? nullptr : of_operator ? exchange->operator_policy : exchange->policy;
}

}  // namespace posthorn::exchange
