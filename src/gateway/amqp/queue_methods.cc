#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "arguments.h"
#include "channel.h"
#include "channel_send.h"
#include "exchange/names.h"
#include "gateway.h"
#include "refusal.h"

namespace posthorn::gateway::amqp {

using auth::Right;

namespace {

std::uint32_t count_on_wire(std::uint64_t count) {
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(count, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

Refusal Channel::queue_name(std::string_view& name) const {
    if (!name.empty()) return {};
    if (last_queue_.empty()) return refuse(wire::ReplyCode::not_found, "no previously declared queue");
    name = last_queue_;
    return {};
}

Refusal Channel::queue_declare(const wire::QueueDeclare& method) {
    std::string scratch;
    const std::string_view name = exchange::without_line_breaks(method.queue, scratch);
    if (method.passive || name == kReplyTo) return queue_declare_passive(method, name);

    Access& access = session_.access();
    exchange::VirtualHost& host = session_.host();
    // A name that the server makes is not known yet; the right to it is asked for as for "amq.gen-".
    const std::string_view asked = name.empty() ? std::string_view("amq.gen-") : name;
    if (Refusal refusal = access.on_queue(Right::configure, asked)) return refusal;
    exchange::QueueSpec spec;
    spec.name = name;
    spec.durable = method.durable, spec.exclusive = method.exclusive, spec.auto_delete = method.auto_delete;
    spec.owner = session_.owner();
    spec.arguments = to_arguments(method.arguments);
    const bool there = !name.empty() && host.queue(name) != nullptr;
    if (const auto* dead_letters = spec.arguments.text("x-dead-letter-exchange"); dead_letters && !there) {
        if (Refusal refusal = access.on_queue(Right::read, asked)) return refusal;
        if (Refusal refusal = access.on_exchange(Right::write, *dead_letters)) return refusal;
    }
    auto queue = host.declare_queue(spec);
    if (!queue) return refused(queue.error());
    ++gateway_.counters.queues_declared;
    if (!there) ++gateway_.counters.queues_created;
    last_queue_ = (*queue)->spec().name;
    if (!method.no_wait) answer_declared(last_queue_, **queue);
    return {};
}

Refusal Channel::queue_declare_passive(const wire::QueueDeclare& method, std::string_view name) {
    // Who answers asks so whether the one who waits is still there.
    if (Replies::is_address(name)) {
        if (gateway_.replies.find(name) == nullptr)
            return refuse(wire::ReplyCode::not_found,
                          exchange::describe("no queue", name, session_.host().name()));
        if (!method.no_wait)
            send(wire::QueueDeclareOk{.queue = name, .message_count = 0, .consumer_count = 1});
        return {};
    }
    if (name == kReplyTo) {
        if (!method.no_wait)
            send(wire::QueueDeclareOk{.queue = name, .message_count = 0, .consumer_count = 1});
        return {};
    }
    auto queue = session_.host().queue_for(name, session_.owner());
    if (!queue) return refused(queue.error());
    ++gateway_.counters.queues_declared;
    last_queue_ = (*queue)->spec().name;
    if (!method.no_wait) answer_declared(last_queue_, **queue);
    return {};
}

void Channel::answer_declared(std::string_view name, exchange::Queue& queue) {
    const exchange::QueueCounts counts = queue.counts();
    send(wire::QueueDeclareOk{
        .queue = name, .message_count = count_on_wire(counts.ready), .consumer_count = counts.consumers});
}

Refusal Channel::queue_bind(const wire::QueueBind& method) {
    std::string_view name = method.queue, key = method.routing_key;
    if (Refusal refusal = queue_name(name)) return refusal;
    if (method.queue.empty() && key.empty()) key = name;
    if (Refusal refusal = change_binding(exchange::DestinationKind::queue, name, method.exchange, key,
                                         method.arguments, true))
        return refusal;
    if (!method.no_wait) send(wire::QueueBindOk{});
    return {};
}

Refusal Channel::queue_unbind(const wire::QueueUnbind& method) {
    std::string_view name = method.queue, key = method.routing_key;
    if (Refusal refusal = queue_name(name)) return refusal;
    if (method.queue.empty() && key.empty()) key = name;
    if (Refusal refusal = change_binding(exchange::DestinationKind::queue, name, method.exchange, key,
                                         method.arguments, false))
        return refusal;
    send(wire::QueueUnbindOk{});
    return {};
}

Refusal Channel::queue_purge(const wire::QueuePurge& method) {
    std::string_view name = method.queue;
    if (Refusal refusal = queue_name(name)) return refusal;
    if (Refusal refusal = session_.access().on_queue(Right::read, name)) return refusal;
    auto purged = session_.host().purge_queue(name, session_.owner());
    if (!purged) return refused(purged.error());
    if (!method.no_wait) send(wire::QueuePurgeOk{count_on_wire(*purged)});
    return {};
}

Refusal Channel::queue_delete(const wire::QueueDelete& method) {
    std::string scratch;
    std::string_view name = exchange::without_line_breaks(method.queue, scratch);
    if (Refusal refusal = queue_name(name)) return refusal;
    if (Refusal refusal = session_.access().on_queue(Right::configure, name)) return refusal;
    const bool there = session_.host().queue(name) != nullptr;
    const std::string kept(name);  // the name may be the one a consumer's end forgets
    auto deleted = session_.host().delete_queue(kept, method.if_unused, method.if_empty, session_.owner());
    if (!deleted && deleted.error().code != Errc::not_found) return refused(deleted.error());
    if (there) ++gateway_.counters.queues_deleted;
    if (!method.no_wait) send(wire::QueueDeleteOk{deleted ? count_on_wire(*deleted) : 0});
    return {};
}

}  // namespace posthorn::gateway::amqp
