#include "channel.h"

#include <fmt/core.h>

#include <algorithm>

#include "arguments.h"
#include "channel_send.h"
#include "gateway.h"
#include "wire/amqp/decode.h"

namespace posthorn::gateway::amqp {

namespace {

/// All that RabbitMQ knows are a dozen; headers to match may be some more.
constexpr std::size_t kArgumentsMax = 256;

}  // namespace

Channel::Channel(Gateway& gateway, Session& session, std::uint16_t number)
    : gateway_(gateway),
      session_(session),
      number_(number),
      handle_(gateway.channels.add(*this)),
      assembler_(gateway.options.message_max_bytes) {
    ++gateway_.counters.channels_opened;
}

Channel::~Channel() {
    release();
    gateway_.channels.remove(handle_);
    ++gateway_.counters.channels_closed;
}

void Channel::release() {
    if (released_) return;
    released_ = true;
    gateway_.broker.cancel(*this);
    for (auto& [tag, consumer] : consumers_)
        leave_queue(*consumer);
    gateway_.counters.consumers -= consumers_.size();
    consumers_.clear();
    reply_nonce_ = 0;
    transaction_.reset();
    unacked_.unstage();
    give_back();
    assembler_.reset();
    stalled_ = Stalled::no;
    answers_held_ = 0;
}

// --- in ----------------------------------------------------------------------------------------------------

Refusal Channel::on_frame(const wire::Frame& frame) {
    if (closing_) [[unlikely]] {
        if (frame.type != wire::FrameType::method) return {};
        const wire::MethodCode code = wire::method_of(frame.payload);
        if (code == wire::MethodCode::channel_close_ok) closed_by_client_ = true;
        if (code == wire::MethodCode::channel_close) send(wire::ChannelCloseOk{});
        if (code == wire::MethodCode::channel_open)
            return wire::Violation{wire::ReplyCode::channel_error, code, "second 'channel.open' seen"};
        return {};
    }
    Refusal refusal;
    wire::MethodCode code = wire::MethodCode::none;
    switch (assembler_.feed(frame)) {
        case wire::ContentAssembler::Step::more:
            return {};
        case wire::ContentAssembler::Step::method:
            code = wire::method_of(frame.payload);
            refusal = on_method(frame.payload);
            break;
        case wire::ContentAssembler::Step::content:
            code = assembler_.content().code;
            refusal = open_ ? publish(assembler_.content())
                            : refuse(wire::ReplyCode::channel_error, "expected 'channel.open'");
            break;
        case wire::ContentAssembler::Step::violation:
            return assembler_.violation();
    }
    if (refusal && refusal->method == wire::MethodCode::none) refusal->method = code;
    return refusal;
}

template <class M>
Refusal Channel::take(Bytes payload, Refusal (Channel::*handler)(const M&)) {
    M method;
    if (!wire::decode(payload, method)) return wire::malformed(payload);
    if constexpr (requires { method.arguments; })
        if (has_fields_over(method.arguments, kArgumentsMax))
            return refuse(wire::ReplyCode::precondition_failed,
                          fmt::format("more than {} arguments", kArgumentsMax));
    return (this->*handler)(method);
}

Refusal Channel::on_method(Bytes payload) {
    using wire::MethodCode;
    const MethodCode code = wire::method_of(payload);
    if (!open_) {
        if (code != MethodCode::channel_open)
            return refuse(wire::ReplyCode::channel_error, "expected 'channel.open'");
        return take(payload, &Channel::open);
    }
    switch (code) {
        case MethodCode::basic_ack:
            return take(payload, &Channel::ack);
        case MethodCode::basic_nack:
            return take(payload, &Channel::nack);
        case MethodCode::basic_reject:
            return take(payload, &Channel::reject);
        case MethodCode::basic_get:
            return take(payload, &Channel::get);
        case MethodCode::basic_consume:
            return take(payload, &Channel::consume);
        case MethodCode::basic_cancel:
            return take(payload, &Channel::cancel);
        case MethodCode::basic_qos:
            return take(payload, &Channel::qos);
        case MethodCode::basic_recover:
            return take(payload, &Channel::recover);
        case MethodCode::basic_recover_async:
            return take(payload, &Channel::recover_async);
        case MethodCode::queue_declare:
        case MethodCode::queue_bind:
        case MethodCode::queue_unbind:
        case MethodCode::queue_delete:
        case MethodCode::exchange_declare:
        case MethodCode::exchange_delete:
        case MethodCode::exchange_bind:
        case MethodCode::exchange_unbind:
            return on_naming_method(code, payload);
        case MethodCode::queue_purge:
            return take(payload, &Channel::queue_purge);
        case MethodCode::confirm_select:
            return take(payload, &Channel::confirm_select);
        case MethodCode::tx_select:
            return take(payload, &Channel::tx_select);
        case MethodCode::tx_commit:
            return take(payload, &Channel::tx_commit);
        case MethodCode::tx_rollback:
            return take(payload, &Channel::tx_rollback);
        case MethodCode::channel_close:
            return take(payload, &Channel::close);
        case MethodCode::channel_flow:
            return take(payload, &Channel::flow);
        case MethodCode::channel_flow_ok:
            return take(payload, &Channel::flow_ok);
        case MethodCode::access_request:
            return take(payload, &Channel::access_request);
        case MethodCode::channel_open:
            return refuse(wire::ReplyCode::channel_error, "second 'channel.open' seen");
        case MethodCode::basic_cancel_ok:
            return {};  // to a cancel of ours, which asked for no answer
        default:
            return wire::unimplemented_method(code);
    }
}

namespace {

bool names_something(wire::MethodCode code) {
    using wire::MethodCode;
    switch (code) {
        case MethodCode::queue_declare:
        case MethodCode::queue_bind:
        case MethodCode::queue_unbind:
        case MethodCode::queue_delete:
        case MethodCode::exchange_declare:
        case MethodCode::exchange_delete:
        case MethodCode::exchange_bind:
        case MethodCode::exchange_unbind:
            return true;
        default:
            return false;
    }
}

bool never_answered(wire::MethodCode code) {
    using wire::MethodCode;
    return code == MethodCode::basic_publish || code == MethodCode::basic_ack ||
           code == MethodCode::basic_nack || code == MethodCode::basic_reject;
}

}  // namespace

/// What was declared, bound or deleted is answered when it is durable, and so is what comes after it.
Refusal Channel::on_naming_method(wire::MethodCode code, Bytes payload) {
    broker::Catalog& catalog = gateway_.broker.catalog();
    catalog.begin_request();
    const std::size_t from = session_.out().size();
    if (Refusal refusal = name_something(code, payload)) return refusal;
    const std::uint64_t awaited = catalog.awaited();
    if (awaited == 0 && answers_held_ == 0) return {};
    names_awaited_ = std::max(names_awaited_, awaited);
    gateway_.held_replies.hold(*this, code, session_.out(), from, names_awaited_);
    ++answers_held_;
    return {};
}

Refusal Channel::name_something(wire::MethodCode code, Bytes payload) {
    using wire::MethodCode;
    switch (code) {
        case MethodCode::queue_declare:
            return take(payload, &Channel::queue_declare);
        case MethodCode::queue_bind:
            return take(payload, &Channel::queue_bind);
        case MethodCode::queue_unbind:
            return take(payload, &Channel::queue_unbind);
        case MethodCode::queue_delete:
            return take(payload, &Channel::queue_delete);
        case MethodCode::exchange_declare:
            return take(payload, &Channel::exchange_declare);
        case MethodCode::exchange_delete:
            return take(payload, &Channel::exchange_delete);
        case MethodCode::exchange_bind:
            return take(payload, &Channel::exchange_bind);
        case MethodCode::exchange_unbind:
            return take(payload, &Channel::exchange_unbind);
        default:
            panic("a method that names nothing");
    }
}

void Channel::answer_held(Bytes frame) {
    --answers_held_;
    session_.out().append(frame);
}

bool Channel::must_wait(const wire::Frame& frame) const {
    if (frame.type != wire::FrameType::method || closing_) return false;
    const wire::MethodCode code = wire::method_of(frame.payload);
    return !names_something(code) && !never_answered(code);
}

Refusal Channel::open(const wire::ChannelOpen&) {
    open_ = true;
    send(wire::ChannelOpenOk{});
    return {};
}

Refusal Channel::close(const wire::ChannelClose&) {
    release();
    closed_by_client_ = true;
    send(wire::ChannelCloseOk{});
    return {};
}

Refusal Channel::flow(const wire::ChannelFlow& method) {
    if (!method.active) return refuse(wire::ReplyCode::not_implemented, "active=false");
    send(wire::ChannelFlowOk{true});
    return {};
}

Refusal Channel::access_request(const wire::AccessRequest&) {
    send(wire::AccessRequestOk{1});
    return {};
}

// --- what had to wait --------------------------------------------------------------------------------------

Refusal Channel::go_on() {
    switch (stalled_) {
        case Stalled::no:
            return {};
        case Stalled::get: {
            Refusal refusal = try_get(stalled_queue_, stalled_no_ack_);
            if (refusal) refusal->method = wire::MethodCode::basic_get;
            return refusal;
        }
        case Stalled::publish: {
            Refusal refusal = retry_publish();
            if (refusal) refusal->method = wire::MethodCode::basic_publish;
            return refusal;
        }
        case Stalled::commit: {
            Refusal refusal = commit();
            if (refusal) refusal->method = wire::MethodCode::tx_commit;
            return refusal;
        }
    }
    return {};
}

void Channel::finish_later() {
    if (listed_) return;
    listed_ = true;
    gateway_.finish_later(*this);
}

void Channel::confirmed(std::uint64_t first, std::uint64_t last, bool kept) {
    if (released_) return;
    confirms_.done(first, last, kept);
    finish_later();
}

void Channel::finish_tick() {
    listed_ = false;
    if (released_) return;
    for (const std::string& tag : cancelled_tags_)
        send(wire::BasicCancel{.consumer_tag = tag, .no_wait = true});
    cancelled_tags_.clear();
    if (!confirms_.fresh()) return;
    const std::uint64_t told = confirms_.write(session_.out(), number_);
    counts_.confirmed += told;
    gateway_.counters.messages.confirmed += told;
}

// --- for people --------------------------------------------------------------------------------------------

void Channel::describe(ChannelInfo& info) const {
    info.connection = session_.id();
    info.connection_name = session_.name();
    info.user = session_.user();
    info.virtual_host = session_.access().virtual_host();
    info.number = number_;
    info.state = closing_ ? "closing" : open_ ? "running" : "starting";
    info.confirm = confirms_.on(), info.transactional = transaction_.has_value();
    info.consumers = static_cast<std::uint32_t>(consumers_.size());
    info.prefetch = prefetch_, info.global_prefetch = global_prefetch_;
    info.unacknowledged = unacked_.size() + unacked_.staged();
    info.unconfirmed = confirms_.on() ? confirms_.unconfirmed() : 0;
    info.uncommitted = transaction_ ? transaction_->publishes.size() : 0;
    info.uncommitted_acks = unacked_.staged();
    info.messages = counts_;
}

}  // namespace posthorn::gateway::amqp
