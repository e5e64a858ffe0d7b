#include "publish.h"

#include <fmt/core.h>

#include "channel.h"
#include "channel_send.h"
#include "gateway.h"
#include "message_facts.h"
#include "payload.h"
#include "refusal.h"
#include "wire/amqp/decode.h"

namespace posthorn::gateway::amqp {

using auth::Right;

Refusal Channel::publish(const wire::Content& content) {
    wire::BasicPublish method;
    if (!wire::decode(content.method, method)) return wire::malformed(content.method);
    if (method.immediate) return refuse(wire::ReplyCode::not_implemented, "immediate=true");
    if (Refusal refusal = check_route(method.exchange, method.routing_key)) return refusal;
    const Message message{method.exchange, method.routing_key, method.mandatory, content.properties,
                          content.body};
    const MessageFacts* const usual = transaction_ ? nullptr : gateway_.usual.facts(message.properties);
    Refusal refusal = usual ? publish_usual(message, *usual) : publish_other(message);
    session_.published();
    return refusal;
}

Refusal Channel::publish_usual(const Message& message, const MessageFacts& facts) {
    static const wire::Properties nothing_of_its_own;
    gateway_.more_keys.clear();
    return publish_to_host(message, message, facts, nothing_of_its_own);
}

Refusal Channel::publish_other(Message message) {
    wire::Properties properties;
    if (Refusal refusal = check_message(message, properties)) return refusal;
    return transaction_ ? stage_publish(message) : publish_now(message, properties);
}

/// Everything a message can be refused for is looked at when it comes, also in a transaction: a commit finds
/// nothing wrong any more. Gives a direct reply its address.
Refusal Channel::check_message(Message& message, wire::Properties& properties) {
    if (!wire::decode_properties(message.properties, properties))
        return refuse(wire::ReplyCode::syntax_error, "malformed properties in a content header");
    if (transaction_)
        if (const auto* const spec = session_.host().exchange(message.exchange); spec && spec->internal)
            return refuse(wire::ReplyCode::access_refused,
                          exchange::describe("cannot publish to internal exchange", message.exchange,
                                             session_.host().name()));
    if (properties.user_id && *properties.user_id != session_.user() && !session_.impersonates())
        return refuse(wire::ReplyCode::precondition_failed,
                      fmt::format("user_id property set to '{}' but authenticated user was '{}'",
                                  *properties.user_id, session_.user()));
    if (transaction_) {
        MessageFacts facts;
        if (Refusal refusal = read_facts(properties, facts, gateway_.more_keys)) return refusal;
    }
    if (!properties.reply_to || *properties.reply_to != kReplyTo) return {};
    if (reply_nonce_ == 0)
        return refuse(wire::ReplyCode::precondition_failed, "fast reply consumer does not exist");
    gateway_.reply_address = Replies::address(*this);
    properties.reply_to = gateway_.reply_address;
    gateway_.addressed.clear();
    wire::append_properties(gateway_.addressed, properties);
    message.properties = gateway_.addressed.view();
    return {};
}

/// The exchange is there and may be written to with this key. Most publishes go where the last one went.
Refusal Channel::check_route(std::string_view exchange, std::string_view key) {
    Access& access = session_.access();
    if (checked_version_ != access.version() || checked_exchange_ != exchange) {
        if (Refusal refusal = access.on_exchange(Right::write, exchange)) return refusal;
        const exchange::ExchangeSpec* const spec = session_.host().exchange(exchange);
        if (spec == nullptr && !exchange.empty())
            return refuse(wire::ReplyCode::not_found,
                          exchange::describe("no exchange", exchange, session_.host().name()));
        topic_rights_ = gateway_.users.has_topic_permissions(session_.user(), session_.host().name());
        checked_exchange_.assign(exchange);
        checked_version_ = access.version();
    }
    if (!topic_rights_) return {};
    // Asked each time: an exchange of that name may be another by now.
    const exchange::ExchangeSpec* const spec = session_.host().exchange(exchange);
    return spec != nullptr && spec->type == "topic" ? access.on_topic(Right::write, exchange, key)
                                                    : Refusal();
}

Refusal Channel::publish_kept(const Message& message) {
    wire::Properties properties;
    POSTHORN_CHECK(wire::decode_properties(message.properties, properties), "kept properties cannot be read");
    return publish_now(message, properties);
}

Refusal Channel::publish_now(const Message& message, const wire::Properties& properties) {
    MessageFacts facts;
    if (Refusal refusal = read_facts(properties, facts, gateway_.more_keys)) return refusal;
    gateway_.usual.note(message.properties, properties, facts);

    Message shown = message;
    if (facts.blind_copies) {
        gateway_.shown.clear();
        append_without_blind_copies(gateway_.shown, properties);
        shown.properties = gateway_.shown.view();
    }
    return publish_to_host(message, shown, facts, properties);
}

/// `message` as it came, `shown` as others see it.
Refusal Channel::publish_to_host(const Message& message, const Message& shown, const MessageFacts& facts,
                                 const wire::Properties& properties) {
    if (message.exchange.empty() && Replies::is_address(message.key)) {
        count_published();
        publish_reply(shown);
        if (confirms_.on()) confirm_at_once(true);
        return {};
    }
    gateway_.payload.clear();
    append_payload(gateway_.payload, {message.properties, message.exchange, message.key, message.body});
    const MessageHeaders headers(properties);
    exchange::Publication publication;
    publication.exchange = message.exchange, publication.key = message.key;
    publication.more_keys = gateway_.more_keys;
    publication.headers = &headers;
    publication.format = facts.blind_copies ? kBlindPayloadFormat : kPayloadFormat;
    publication.persistent = facts.persistent, publication.priority = facts.priority;
    publication.ttl_ms = facts.ttl_ms, publication.delay_ms = facts.delay_ms;
    publication.message_key = facts.key;
    publication.body_bytes = static_cast<std::uint32_t>(message.body.size());
    publication.payload = gateway_.payload.view();
    auto published = session_.host().publish(publication);
    if (!published && transaction_ && published.error().code == Errc::not_found)
        published = exchange::Published{};  // it was there when this was published
    if (!published) return publish_refused(message, published.error());
    count_published();
    settle_publish(shown, *published);
    return {};
}

Refusal Channel::publish_refused(const Message& message, const Error& error) {
    const bool passes = error.code == Errc::no_space || error.code == Errc::full;
    if (transaction_) {
        if (!passes) return refused(error);
        stall_commit();
        return {};
    }
    switch (error.code) {
        case Errc::no_space:
        case Errc::full:
            stall_publish(message);
            session_.tell_blocked(error.code == Errc::full ? "low on memory" : "low on disk");
            return {};
        case Errc::read_only:
            count_published();
            if (!confirms_.on()) return refused(error);
            confirm_at_once(false);
            return {};
        default:
            return refused(error);
    }
}

void Channel::count_published() {
    ++counts_.published;
    ++gateway_.counters.messages.published;
}

void Channel::settle_publish(const Message& message, const exchange::Published& published) {
    using Outcome = exchange::Published::Outcome;
    if (published.outcome == Outcome::unroutable) {
        auto& total = gateway_.counters.messages;
        if (message.mandatory) {
            ++counts_.returned_unroutable, ++total.returned_unroutable;
            return_message(message, wire::ReplyCode::no_route, "NO_ROUTE");
        } else {
            ++counts_.dropped_unroutable, ++total.dropped_unroutable;
        }
    }
    if (transaction_) {
        if (published.receipt) {
            auto& last = published.must_sync ? transaction_->synced : transaction_->written;
            last = last ? published.receipt->with(*last) : *published.receipt;
        }
        return;
    }
    if (!confirms_.on()) return;
    if (published.outcome == Outcome::rejected) return confirm_at_once(false);
    if (!published.receipt) return confirm_at_once(true);
    const std::uint64_t number = confirms_.take();
    gateway_.confirms.push({*published.receipt, handle_, number, number, gateway_.tick}, published.must_sync);
    if (!gateway_.confirms.room()) session_.hold_until_room();
}

void Channel::confirm_at_once(bool good) {
    const std::uint64_t number = confirms_.take();
    confirms_.done(number, number, good);
    finish_later();
}

void Channel::return_message(const Message& message, wire::ReplyCode code, std::string_view text) {
    wire::append_content(
        session_.out(), number_,
        wire::BasicReturn{
            .reply_code = code, .reply_text = text, .exchange = message.exchange, .routing_key = message.key},
        message.properties, message.body, session_.frame_max());
}

// --- direct reply-to ---------------------------------------------------------------------------------------

void Channel::publish_reply(const Message& message) {
    Channel* const waiting = gateway_.replies.find(message.key);
    // To the rest of the house it was routed nowhere, as in RabbitMQ.
    if (waiting != nullptr) waiting->deliver_reply(message.key, message.properties, message.body);
    if (message.mandatory) return_message(message, wire::ReplyCode::no_route, "NO_ROUTE");
}

void Channel::deliver_reply(std::string_view key, Bytes properties, Bytes body) {
    wire::append_content(session_.out(), number_,
                         wire::BasicDeliver{.consumer_tag = reply_tag_,
                                            .delivery_tag = next_tag_++,
                                            .redelivered = false,
                                            .exchange = {},
                                            .routing_key = key},
                         properties, body, session_.frame_max());
    ++counts_.delivered_no_ack;
    ++gateway_.counters.messages.delivered_no_ack;
}

// --- a full disk -------------------------------------------------------------------------------------------

/// Kept until there is room: nothing behind it is read from this client, so that order stays.
void Channel::stall_publish(const Message& message) {
    stalled_bytes_.clear();
    append_payload(stalled_bytes_, {message.properties, message.exchange, message.key, message.body});
    stalled_mandatory_ = message.mandatory;
    stalled_ = Stalled::publish;
    session_.stall(*this);
}

Refusal Channel::retry_publish() {
    if (gateway_.broker.refusing()) return {};
    const Buffer bytes = std::move(stalled_bytes_);
    Payload payload;
    POSTHORN_CHECK(read_payload(bytes.view(), payload), "a kept publish cannot be read");
    stalled_ = Stalled::no;
    return publish_kept(
        {payload.exchange, payload.key, stalled_mandatory_, payload.properties, payload.body});
}

}  // namespace posthorn::gateway::amqp
