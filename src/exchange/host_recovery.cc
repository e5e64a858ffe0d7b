#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "host_state.h"

namespace posthorn::exchange {

void HostState::restore_exchange(const ExchangeSpec& spec) {
    const auto type = exchange_type(spec);
    if (!type)
        log_error("exchange", "{} is left out: {}", describe("exchange", spec.name, name_),
                  type.error().message);
    else if (!find_exchange(spec.name))
        add_exchange(spec, *type);
}

void HostState::restore_queue(const QueueSpec& spec, std::uint64_t number) {
    desk_.next_queue = std::max(desk_.next_queue, number + 1);
    auto made = std::make_unique<QueueState>(*this, spec, number);
    QueueState& queue = *made;
    apply_policies(queue);
    if (auto opened = queue.open(); !opened)
        log_error("exchange", "{} cannot be opened: {}", queue.describe(), opened.error().message);
    queues_.emplace(spec.name, std::move(made));
}

void HostState::restore_binding(const Binding& binding) {
    if (const auto ends = ends_of(binding); ends)
        add_binding(binding, *ends, false);
    else
        definitions_.remove_binding(name_, binding);  // a crash came between the end's going and its own
}

void HostState::restore_policy(const Policy& policy, bool of_operator) {
    if (auto put = (of_operator ? operator_policies_ : policies_).put(policy); !put)
        log_error("exchange", "policy '{}' in vhost '{}' is left out: {}", policy.name, name_,
                  put.error().message);
}

void HostState::restored() {
    apply_all_policies();
    if (desk_.broker.catalog().named_queue(fmt::format("{}{}", delayed_prefix, number_)) == model::QueueId())
        return;
    if (auto opened = open_delayed(); !opened)
        log_error("exchange", "delayed messages of vhost '{}' cannot be opened: {}", name_,
                  opened.error().message);
}

}  // namespace posthorn::exchange
