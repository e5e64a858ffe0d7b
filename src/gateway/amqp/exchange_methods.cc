#include <fmt/core.h>

#include "arguments.h"
#include "channel.h"
#include "channel_send.h"
#include "exchange/names.h"
#include "gateway.h"
#include "refusal.h"

namespace posthorn::gateway::amqp {

using auth::Right;

Refusal Channel::exchange_declare(const wire::ExchangeDeclare& method) {
    std::string scratch;
    const std::string_view name = exchange::without_line_breaks(method.exchange, scratch);
    exchange::VirtualHost& host = session_.host();
    if (method.passive) {
        if (name.empty())
            return refuse(wire::ReplyCode::access_refused, "operation not permitted on the default exchange");
        if (host.exchange(name) == nullptr)
            return refuse(wire::ReplyCode::not_found, exchange::describe("no exchange", name, host.name()));
        if (!method.no_wait) send(wire::ExchangeDeclareOk{});
        return {};
    }
    Access& access = session_.access();
    if (Refusal refusal = access.on_exchange(Right::configure, name)) return refusal;
    exchange::ExchangeSpec spec;
    spec.name = name, spec.type = method.type;
    spec.durable = method.durable, spec.auto_delete = method.auto_delete, spec.internal = method.internal;
    spec.arguments = to_arguments(method.arguments);
    const auto* alternate = spec.arguments.text("alternate-exchange");
    if (alternate && host.exchange(name) == nullptr) {
        if (Refusal refusal = access.on_exchange(Right::read, name)) return refusal;
        if (Refusal refusal = access.on_exchange(Right::write, *alternate)) return refusal;
    }
    if (auto declared = host.declare_exchange(spec); !declared) return refused(declared.error());
    if (!method.no_wait) send(wire::ExchangeDeclareOk{});
    return {};
}

Refusal Channel::exchange_delete(const wire::ExchangeDelete& method) {
    std::string scratch;
    const std::string_view name = exchange::without_line_breaks(method.exchange, scratch);
    if (Refusal refusal = session_.access().on_exchange(Right::configure, name)) return refusal;
    if (auto done = session_.host().delete_exchange(name, method.if_unused); !done)
        return refused(done.error());
    if (!method.no_wait) send(wire::ExchangeDeleteOk{});
    return {};
}

Refusal Channel::exchange_bind(const wire::ExchangeBind& method) {
    if (Refusal refusal = change_binding(exchange::DestinationKind::exchange, method.destination,
                                         method.source, method.routing_key, method.arguments, true))
        return refusal;
    if (!method.no_wait) send(wire::ExchangeBindOk{});
    return {};
}

Refusal Channel::exchange_unbind(const wire::ExchangeUnbind& method) {
    if (Refusal refusal = change_binding(exchange::DestinationKind::exchange, method.destination,
                                         method.source, method.routing_key, method.arguments, false))
        return refusal;
    if (!method.no_wait) send(wire::ExchangeUnbindOk{});
    return {};
}

Refusal Channel::change_binding(exchange::DestinationKind kind, std::string_view destination,
                                std::string_view source, std::string_view key, wire::TableView arguments,
                                bool bind) {
    std::string destination_scratch, source_scratch;
    exchange::Binding binding;
    binding.kind = kind;
    binding.destination = exchange::without_line_breaks(destination, destination_scratch);
    binding.source = exchange::without_line_breaks(source, source_scratch);
    binding.key = key;
    binding.arguments = to_arguments(arguments);

    Access& access = session_.access();
    exchange::VirtualHost& host = session_.host();
    if (Refusal refusal = kind == exchange::DestinationKind::queue
                              ? access.on_queue(Right::write, binding.destination)
                              : access.on_exchange(Right::write, binding.destination))
        return refusal;
    if (Refusal refusal = access.on_exchange(Right::read, binding.source)) return refusal;
    const exchange::ExchangeSpec* const from = host.exchange(binding.source);
    if (from != nullptr && from->type == "topic")
        if (Refusal refusal = access.on_topic(Right::read, binding.source, key)) return refusal;
    const auto done = bind ? host.bind(binding, session_.owner()) : host.unbind(binding, session_.owner());
    return done ? Refusal() : refused(done.error());
}

}  // namespace posthorn::gateway::amqp
