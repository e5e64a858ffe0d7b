#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "arguments.h"
#include "channel.h"
#include "channel_send.h"
#include "delivery_count.h"
#include "env/random.h"
#include "gateway.h"
#include "message_facts.h"
#include "payload.h"
#include "refusal.h"

namespace posthorn::gateway::amqp {

using auth::Right;

// --- consumers and sources ---------------------------------------------------------------------------------

std::uint32_t ChannelConsumer::room() const {
    return channel_.room(*this);
}
void ChannelConsumer::deliver(exchange::Queue& queue, const broker::Stored& message,
                              const exchange::Delivery& delivery) {
    channel_.deliver(*this, queue, message, delivery);
}
void ChannelConsumer::cancelled() {
    channel_.consumer_cancelled(*this);
}

std::uint32_t Sources::add(exchange::Queue& queue, ChannelConsumer* consumer) {
    if (free_.empty()) {
        free_.push_back(static_cast<std::uint32_t>(all_.size()));
        all_.emplace_back();
    }
    const std::uint32_t number = free_.back();
    free_.pop_back();
    all_[number] = {&queue, consumer, 0, consumer != nullptr, true};
    return number;
}

std::uint32_t Sources::of_gets(exchange::Queue& queue) {
    for (std::uint32_t n = 0; n < all_.size(); ++n)
        if (all_[n].used && all_[n].queue == &queue && !all_[n].of_consumer) return n;
    return add(queue, nullptr);
}

void Sources::release_unused(std::uint32_t number) {
    Source& source = all_[number];
    if (source.open != 0 || source.consumer != nullptr) return;
    source = {};
    free_.push_back(number);
}

// --- how much may be in the client's hands -----------------------------------------------------------------

Refusal Channel::qos(const wire::BasicQos& method) {
    if (method.prefetch_size != 0)
        return refuse(wire::ReplyCode::not_implemented,
                      fmt::format("prefetch_size!=0 ({})", method.prefetch_size));
    if (method.global) {
        global_prefetch_ = method.prefetch_count;
    } else {
        prefetch_ = method.prefetch_count;
        global_prefetch_ = 0;
    }
    send(wire::BasicQosOk{});
    wake_consumers();
    return {};
}

std::uint32_t Channel::room(const ChannelConsumer& consumer) const {
    std::uint32_t room = std::numeric_limits<std::uint32_t>::max();
    if (session_.congested()) room = 0;
    if (!consumer.options().settles_at_once) {
        if (window_full()) room = 0;
        if (const std::uint32_t limit = consumer.prefetch(); limit != 0)
            room = std::min(room, limit - std::min(limit, consumer.in_flight));
        if (const std::uint32_t limit = global_prefetch_; limit != 0)
            room = std::min(room, limit - std::min(limit, in_flight_));
    }
    return room;
}

bool Channel::window_full() const {
    return unacked_.size() + unacked_.staged() >= gateway_.options.unsettled_per_channel_max ||
           session_.window_full();
}

void Channel::wake(ChannelConsumer& consumer) {
    if (!consumer.waiting || !consumer.joined() || room(consumer) == 0) return;
    consumer.waiting = false;
    sources_[consumer.source].queue->consumer_ready(consumer);
}

void Channel::wake_consumers() {
    for (auto& [tag, consumer] : consumers_)
        wake(*consumer);
}

// --- basic.consume, basic.cancel ---------------------------------------------------------------------------

Refusal Channel::consume(const wire::BasicConsume& method) {
    if (method.queue == kReplyTo) return consume_replies(method);
    std::string_view queue_text = method.queue;
    if (Refusal refusal = queue_name(queue_text)) return refusal;
    if (Refusal refusal = session_.access().on_queue(Right::read, queue_text)) return refusal;
    if (consumers_.contains(method.consumer_tag) ||
        (!method.consumer_tag.empty() && method.consumer_tag == reply_tag_))
        return refuse(wire::ReplyCode::not_allowed,
                      fmt::format("attempt to reuse consumer tag '{}'", method.consumer_tag));
    if (consumers_.size() >= gateway_.options.consumers_per_channel_max)
        return refuse(wire::ReplyCode::resource_error, "too many consumers on this channel");
    if (gateway_.counters.consumers >= gateway_.options.consumers_max)
        return refuse(wire::ReplyCode::resource_error, "too many consumers on this server");
    auto queue = session_.host().queue_for(queue_text, session_.owner());
    if (!queue) return refused(queue.error());

    exchange::Consumer::Options options;
    options.tag = method.consumer_tag.empty() ? gateway_.random_name("amq.ctag-") : method.consumer_tag;
    options.exclusive = method.exclusive;
    options.settles_at_once = method.no_ack;
    options.owner = session_.owner();
    options.arguments = to_arguments(method.arguments);
    auto consumer = std::make_unique<ChannelConsumer>(*this, std::move(options), prefetch_);
    if (auto joined = session_.host().consume(**queue, *consumer); !joined) return refused(joined.error());
    consumer->source = sources_.add(**queue, consumer.get());
    ++gateway_.counters.consumers;
    const std::string& tag = consumer->options().tag;
    if (!method.no_wait) send(wire::BasicConsumeOk{tag});
    consumers_.emplace(tag, std::move(consumer));
    return {};
}

Refusal Channel::consume_replies(const wire::BasicConsume& method) {
    if (!method.no_ack)
        return refuse(wire::ReplyCode::precondition_failed, "reply consumer cannot acknowledge");
    if (reply_nonce_ != 0) return refuse(wire::ReplyCode::precondition_failed, "reply consumer already set");
    if (consumers_.contains(method.consumer_tag))
        return refuse(wire::ReplyCode::not_allowed,
                      fmt::format("attempt to reuse consumer tag '{}'", method.consumer_tag));
    reply_tag_ = method.consumer_tag.empty() ? gateway_.random_name("amq.ctag-") : method.consumer_tag;
    while (reply_nonce_ == 0)
        reply_nonce_ = env::system_seed();  // who guesses an address can answer in another's place
    if (!method.no_wait) send(wire::BasicConsumeOk{reply_tag_});
    return {};
}

Refusal Channel::cancel(const wire::BasicCancel& method) {
    if (reply_nonce_ != 0 && method.consumer_tag == reply_tag_) {
        reply_nonce_ = 0;
        reply_tag_.clear();
    } else if (const auto at = consumers_.find(method.consumer_tag); at != consumers_.end()) {
        const std::unique_ptr<ChannelConsumer> consumer = std::move(at->second);
        consumers_.erase(at);
        --gateway_.counters.consumers;
        leave_queue(*consumer);
    }
    if (!method.no_wait) send(wire::BasicCancelOk{method.consumer_tag});
    return {};
}

/// What it delivered stays with the client.
void Channel::leave_queue(ChannelConsumer& consumer) {
    if (consumer.joined()) session_.host().leave(consumer);
    sources_[consumer.source].consumer = nullptr;
    sources_.release_unused(consumer.source);
}

void Channel::consumer_cancelled(ChannelConsumer& consumer) {
    const auto at = consumers_.find(consumer.options().tag);
    if (released_ || at == consumers_.end()) return;
    if (session_.capabilities().consumer_cancel_notify) {
        cancelled_tags_.push_back(consumer.options().tag);  // after the answer to whatever did it
        finish_later();
    }
    sources_[consumer.source].consumer = nullptr;
    sources_.release_unused(consumer.source);
    --gateway_.counters.consumers;
    gateway_.bury(std::move(at->second));  // its own call is still running
    consumers_.erase(at);
}

/// The message as clients see it, behind `method`. `counted`: says how often it was delivered before.
template <class Method>
void Channel::send_message(Method method, const broker::Stored& message, bool counted,
                           const exchange::Delivery& delivery) {
    Payload payload = payload_of(message);
    if (message.format == kBlindPayloadFormat) [[unlikely]]
        payload.properties = without_blind_copies(payload.properties, gateway_.shown);
    if (counted) [[unlikely]] {
        const auto before = static_cast<std::uint16_t>(delivery.id.attempt - 1);
        payload.properties = with_delivery_count(payload.properties, before, gateway_.properties);
    }
    method.redelivered = delivery.redelivered;
    method.exchange = payload.exchange, method.routing_key = payload.key;
    wire::append_content(session_.out(), number_, method, payload.properties, payload.body,
                         session_.frame_max());
}

// --- out ---------------------------------------------------------------------------------------------------

void Channel::deliver(ChannelConsumer& consumer, exchange::Queue& queue, const broker::Stored& message,
                      const exchange::Delivery& delivery) {
    const bool no_ack = consumer.options().settles_at_once;
    const std::uint64_t tag = next_tag_++;
    if (!no_ack) {
        unacked_.push(tag, consumer.source, delivery.id);
        session_.took_one();
        ++sources_[consumer.source].open;
        ++consumer.in_flight, ++in_flight_;
    }
    send_message(wire::BasicDeliver{.consumer_tag = consumer.options().tag, .delivery_tag = tag}, message,
                 delivery.redelivered && queue.settings().quorum, delivery);
    auto& total = gateway_.counters.messages;
    if (no_ack)
        ++counts_.delivered_no_ack, ++total.delivered_no_ack;
    else
        ++counts_.delivered, ++total.delivered;
    if (delivery.redelivered) ++counts_.redelivered, ++total.redelivered;
}

// --- basic.get ---------------------------------------------------------------------------------------------

Refusal Channel::get(const wire::BasicGet& method) {
    std::string_view name = method.queue;
    if (Refusal refusal = queue_name(name)) return refusal;
    if (Refusal refusal = session_.access().on_queue(Right::read, name)) return refusal;
    if (!method.no_ack && window_full())
        return refuse(wire::ReplyCode::precondition_failed, "too many messages are not acknowledged");
    return try_get(name, method.no_ack);
}

Refusal Channel::try_get(std::string_view name, bool no_ack) {
    auto found = session_.host().queue_for(name, session_.owner());
    if (!found) {
        stalled_ = Stalled::no;
        return refused(found.error());
    }
    exchange::Queue& queue = **found;
    auto got = session_.host().get(
        queue, no_ack, [&](const broker::Stored& message, const exchange::Delivery& delivery) {
            const std::uint64_t tag = next_tag_++;
            if (!no_ack) {
                const std::uint32_t source = sources_.of_gets(queue);
                ++sources_[source].open;
                unacked_.push(tag, source, delivery.id);
                session_.took_one();
            }
            const std::uint64_t left =
                std::min<std::uint64_t>(delivery.ready_left, std::numeric_limits<std::uint32_t>::max());
            send_message(
                wire::BasicGetOk{.delivery_tag = tag, .message_count = static_cast<std::uint32_t>(left)},
                message, queue.settings().quorum, delivery);  // the first time as well: 0
            auto& total = gateway_.counters.messages;
            if (no_ack)
                ++counts_.got_no_ack, ++total.got_no_ack;
            else
                ++counts_.got, ++total.got;
            if (delivery.redelivered) ++counts_.redelivered, ++total.redelivered;
        });
    const bool was_stalled = stalled_ == Stalled::get;
    stalled_ = Stalled::no;
    if (!got) return refused(got.error());
    if (*got == exchange::VirtualHost::Got::empty) {
        ++counts_.got_empty, ++gateway_.counters.messages.got_empty;
        send(wire::BasicGetEmpty{});
    } else if (*got == exchange::VirtualHost::Got::later) {
        stalled_ = Stalled::get;
        if (!was_stalled) {
            stalled_queue_.assign(name);
            stalled_no_ack_ = no_ack;
            session_.stall(*this);
        }
        if (!waiting()) session_.host().wait_ready(queue, *this);
    }
    return {};
}

void Channel::on_readable() {}  // `Session::go_on` follows in this tick

// --- for people --------------------------------------------------------------------------------------------

void Channel::each_consumer(
    const std::function<void(const ChannelConsumer&, const exchange::Queue&)>& visit) {
    for (auto& [tag, consumer] : consumers_)
        visit(*consumer, *sources_[consumer->source].queue);
}

}  // namespace posthorn::gateway::amqp
