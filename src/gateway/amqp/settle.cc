#include <fmt/core.h>

#include <limits>
#include <utility>

#include "base/log.h"
#include "channel.h"
#include "channel_send.h"
#include "gateway.h"

namespace posthorn::gateway::amqp {

Refusal Channel::ack(const wire::BasicAck& method) {
    return settle(method.delivery_tag, method.multiple, Verdict::ack);
}

Refusal Channel::nack(const wire::BasicNack& method) {
    return settle(method.delivery_tag, method.multiple, method.requeue ? Verdict::requeue : Verdict::reject);
}

Refusal Channel::reject(const wire::BasicReject& method) {
    return settle(method.delivery_tag, false, method.requeue ? Verdict::requeue : Verdict::reject);
}

Refusal Channel::settle(std::uint64_t tag, bool multiple, Verdict verdict) {
    const auto apply = [&](Unsettled& one) {
        if (transaction_)
            unacked_.stage(one, verdict);
        else
            settle_one(one, verdict);
    };
    if (multiple && tag == 0) {  // everything, also when that is nothing
        unacked_.each_up_to(std::numeric_limits<std::uint64_t>::max(), apply);
        return {};
    }
    Unsettled* const one = unacked_.find(tag);
    if (one == nullptr)
        return refuse(wire::ReplyCode::precondition_failed, fmt::format("unknown delivery tag {}", tag));
    if (multiple) {
        unacked_.each_up_to(tag, apply);
    } else {
        apply(*one);
        unacked_.tidy();
    }
    return {};
}

void Channel::settle_one(Unsettled& one, Verdict verdict) {
    exchange::Queue& queue = *sources_[one.source].queue;
    auto& total = gateway_.counters.messages;
    Result<void> done;
    switch (verdict) {
        case Verdict::ack:
            done = queue.settle(one.id);
            ++counts_.acknowledged, ++total.acknowledged;
            break;
        case Verdict::requeue:
            done = queue.requeue(one.id);
            ++counts_.requeued, ++total.requeued;
            break;
        case Verdict::reject:
            done = queue.reject(one.id);
            ++counts_.rejected, ++total.rejected;
            break;
    }
    if (!done && gateway_.error_lines.allows(gateway_.clock.steady_ns()))
        log_warn("amqp", "a message of queue '{}' could not be settled and will come again: {}",
                 queue.spec().name, done.error().message);
    const bool was_full = window_full();
    left_client(one);
    unacked_.settle(one);
    session_.settled(1);
    if (was_full && !released_) wake_consumers();
}

void Channel::left_client(const Unsettled& one) {
    Source& source = sources_[one.source];
    --source.open;
    if (!source.of_consumer) return sources_.release_unused(one.source);
    const bool was_full = global_prefetch_ != 0 && in_flight_ >= global_prefetch_;
    --in_flight_;
    if (ChannelConsumer* const consumer = source.consumer) {
        --consumer->in_flight;
        if (consumer->waiting && !released_) wake(*consumer);
    } else {
        sources_.release_unused(one.source);
    }
    if (was_full && !released_) wake_consumers();
}

void Channel::requeue_all() {
    unacked_.each_up_to(std::numeric_limits<std::uint64_t>::max(),
                        [this](Unsettled& one) { settle_one(one, Verdict::requeue); });
}

/// Of a channel that ends: much of it goes back over some ticks.
void Channel::give_back() {
    const std::size_t count = unacked_.size();
    if (count <= Gateway::kGivenBackAtOnce) return requeue_all();
    counts_.requeued += count;
    session_.settled(count);
    gateway_.give_back(std::exchange(unacked_, {}), std::exchange(sources_, {}));
}

Refusal Channel::recover(const wire::BasicRecover& method) {
    if (!method.requeue) return refuse(wire::ReplyCode::not_implemented, "requeue=false");
    requeue_all();
    send(wire::BasicRecoverOk{});
    return {};
}

Refusal Channel::recover_async(const wire::BasicRecoverAsync& method) {
    if (!method.requeue) return refuse(wire::ReplyCode::not_implemented, "requeue=false");
    requeue_all();
    return {};
}

// --- who does not settle -----------------------------------------------------------------------------------

Refusal Channel::check_age(std::int64_t now_ms) {
    if (unacked_.empty()) {
        ack_watch_.rest();
        return {};
    }
    const std::int64_t timeout_ms = gateway_.options.consumer_timeout.count();
    if (!ack_watch_.overdue(now_ms, timeout_ms, unacked_.oldest(), next_tag_)) return {};
    return refuse(
        wire::ReplyCode::precondition_failed,
        fmt::format(
            "delivery acknowledgement on channel {} timed out. Timeout value used: {} ms. This timeout "
            "value can be configured, see consumers doc guide to learn more",
            number_, timeout_ms));
}

}  // namespace posthorn::gateway::amqp
