#include <fmt/format.h>

#include "base/log.h"
#include "binding_advice.h"
#include "host_state.h"

namespace posthorn::exchange {

Result<HostState::Ends> HostState::ends_of(const Binding& binding) const {
    Ends ends{};
    auto source = exchange_for(binding.source);
    if (!source) return source.error();
    ends.source = *source;
    if (binding.kind == DestinationKind::exchange) {
        auto destination = exchange_for(binding.destination);
        if (!destination) return destination.error();
        ends.exchange = *destination;
    } else {
        ends.queue = find_queue(binding.destination);
        if (!ends.queue) return Error{Errc::not_found, "no " + describe("queue", binding.destination, name_)};
    }
    return ends;
}

namespace {

Binding stripped(const Binding& given) {
    Binding binding = given;
    std::string scratch;
    binding.source = without_line_breaks(given.source, scratch);
    binding.destination = without_line_breaks(given.destination, scratch);
    return binding;
}

bool touches_default(const Binding& binding) {
    return binding.source.empty() ||
           (binding.kind == DestinationKind::exchange && binding.destination.empty());
}

}  // namespace

Result<void> HostState::bind(const Binding& given, OwnerId by) {
    const Binding binding = stripped(given);
    if (touches_default(binding)) return default_exchange();
    const auto ends = ends_of(binding);
    if (!ends) return ends.error();
    if (auto fine = ends->source->matcher->check(binding); !fine) return fine;
    if (ends->queue)
        if (auto mine = find_queue_for(binding.destination, by); !mine) return mine.error();
    if (bindings_.contains(binding_identity(binding))) {
        definitions_.await_binding(name_, binding);
        return {};
    }
    if (bindings_.size() >= desk_.options.bindings_max)
        return Error{Errc::invalid,
                     fmt::format("vhost '{}' has {} bindings already", name_, bindings_.size())};
    if (durable_between(*ends))
        if (auto admitted = definitions_.admit(); !admitted) return admitted;
    add_binding(binding, *ends, true);
    if (const auto hint = ends->source->advised ? std::nullopt : advice(ends->source->type, binding)) {
        ends->source->advised = true;
        log_warn("exchange", "vhost '{}': {}", name_, *hint);
    }
    return {};
}

Result<void> HostState::unbind(const Binding& given, OwnerId by) {
    const Binding binding = stripped(given);
    if (touches_default(binding)) return default_exchange();
    const auto at = bindings_.find(binding_identity(binding));
    if (at == bindings_.end()) {
        definitions_.await_binding(name_, binding);
        return {};
    }
    if (at->second->queue)
        if (auto mine = find_queue_for(binding.destination, by); !mine) return mine.error();
    if (at->second->durable)
        if (auto admitted = definitions_.admit(); !admitted) return admitted;
    const std::string source = at->second->source->spec.name;
    remove_binding(*at->second);
    auto_delete({source});
    return {};
}

bool HostState::durable_between(const Ends& ends) {
    return ends.source->spec.durable &&
           (ends.queue ? ends.queue->spec().durable : ends.exchange->spec.durable);
}

void HostState::add_binding(const Binding& binding, const Ends& ends, bool define) {
    auto made = std::make_unique<BindingRecord>();
    BindingRecord& record = *made;
    record.binding = binding;
    record.source = ends.source;
    record.queue = ends.queue;
    record.exchange = ends.exchange;
    record.durable = durable_between(ends);
    record.identity = binding_identity(binding);
    bindings_.emplace(record.identity, std::move(made));
    ends.source->leaving.insert(&record);
    ends.source->matcher->add(record);
    if (ends.queue)
        ends.queue->bindings.add(record);
    else
        ends.exchange->arriving.insert(&record);
    if (define && record.durable) definitions_.put_binding(name_, binding);
    router_.changed();
}

void HostState::remove_binding(BindingRecord& record) {
    record.source->matcher->remove(record);
    record.source->leaving.erase(&record);
    if (record.queue)
        record.queue->bindings.remove(record);
    else
        record.exchange->arriving.erase(&record);
    if (record.durable) definitions_.remove_binding(name_, record.binding);
    bindings_.erase(bindings_.find(record.identity));
    router_.changed();
}

void HostState::walk_bindings(
    std::string_view first,
    const std::function<bool(const std::string& place, const Binding&)>& visit) const {
    for (auto at = bindings_.lower_bound(first); at != bindings_.end(); ++at)
        if (!visit(at->first, at->second->binding)) return;
}

void HostState::each_binding_to(DestinationKind kind, std::string_view name,
                                const std::function<void(const Binding&)>& visit) const {
    if (kind == DestinationKind::queue) {
        if (const QueueState* queue = find_queue(name))
            for (const BindingRecord* record : queue->bindings)
                visit(record->binding);
    } else if (const ExchangeState* exchange = find_exchange(name)) {
        for (const BindingRecord* record : exchange->arriving)
            visit(record->binding);
    }
}

void HostState::each_binding(const std::function<void(const Binding&)>& visit) const {
    for (const auto& [name, queue] : queues_)
        visit({"", DestinationKind::queue, name, name, {}});
    for (const auto& [identity, record] : bindings_)
        visit(record->binding);
}

}  // namespace posthorn::exchange
