#include "transaction.h"

#include "channel.h"
#include "channel_send.h"
#include "gateway.h"
#include "payload.h"
#include "publish.h"

namespace posthorn::gateway::amqp {

Refusal Channel::confirm_select(const wire::ConfirmSelect& method) {
    if (transaction_)
        return refuse(wire::ReplyCode::precondition_failed, "cannot switch from tx to confirm mode");
    confirms_.select();
    if (!method.no_wait) send(wire::ConfirmSelectOk{});
    return {};
}

Refusal Channel::tx_select(const wire::TxSelect&) {
    if (confirms_.on())
        return refuse(wire::ReplyCode::precondition_failed, "cannot switch from confirm to tx mode");
    if (!transaction_) transaction_.emplace();
    send(wire::TxSelectOk{});
    return {};
}

Refusal Channel::stage_publish(const Message& message) {
    Transaction& transaction = *transaction_;
    const std::size_t begin = transaction.bytes.size();
    if (begin + message.body.size() > gateway_.options.transaction_max_bytes ||
        transaction.publishes.size() >= gateway_.options.transaction_max_messages)
        return refuse(wire::ReplyCode::resource_error, "the transaction is too large");
    append_payload(transaction.bytes, {message.properties, message.exchange, message.key, message.body});
    transaction.publishes.push_back({begin, transaction.bytes.size() - begin, message.mandatory});
    return {};
}

Refusal Channel::tx_commit(const wire::TxCommit&) {
    if (!transaction_) return refuse(wire::ReplyCode::precondition_failed, "channel is not transactional");
    return commit();
}

/// Everything in one tick and so in one write. What one of the publishes violates closes the channel; those
/// before it are published by then, as in RabbitMQ.
Refusal Channel::commit() {
    const auto refusing = gateway_.broker.refusing();
    if (refusing && refusing->code == Errc::no_space && !transaction_->publishes.empty()) {
        if (stalled_ == Stalled::commit) return {};
        stalled_ = Stalled::commit;
        session_.stall(*this);
        return {};
    }
    stalled_ = Stalled::no;
    gateway_.commit_written.reset(), gateway_.commit_synced.reset();
    for (const Transaction::Publish& publish : transaction_->publishes) {
        Payload payload;
        const Bytes bytes = transaction_->bytes.view().subspan(publish.begin, publish.size);
        POSTHORN_CHECK(read_payload(bytes, payload), "a staged publish cannot be read");
        if (Refusal refusal = publish_now(
                {payload.exchange, payload.key, publish.mandatory, payload.properties, payload.body}))
            return refusal;
    }
    unacked_.each_staged([this](Unsettled& one) { settle_one(one, one.verdict); });
    transaction_->clear();
    // Both promises are about one log, so the later of two receipts under the stronger one covers both,
    // unless the other waits for a new queue.
    const auto& strong = gateway_.commit_synced;
    const auto& weak = gateway_.commit_written;
    if (!strong && !weak) {
        send(wire::TxCommitOk{});
        return {};
    }
    ++commits_waiting_;
    gateway_.confirms.push({strong ? *strong : *weak, handle_, 0, 0, gateway_.tick}, strong.has_value());
    if (strong && weak && (weak->end > strong->end || weak->names > strong->names)) {
        ++commits_waiting_;
        gateway_.confirms.push({*weak, handle_, 0, 0, gateway_.tick}, false);
    }
    return {};
}

void Channel::committed(bool kept) {
    if (released_) return;
    if (!kept) commit_broken_ = true;
    if (--commits_waiting_ != 0) return;
    if (!commit_broken_) return send(wire::TxCommitOk{});
    session_.fail({wire::ReplyCode::internal_error, wire::MethodCode::tx_commit,
                   "the disk refused the transaction; it may or may not be stored"});
}

Refusal Channel::tx_rollback(const wire::TxRollback&) {
    if (!transaction_) return refuse(wire::ReplyCode::precondition_failed, "channel is not transactional");
    transaction_->clear();
    unacked_.unstage();
    send(wire::TxRollbackOk{});
    return {};
}

}  // namespace posthorn::gateway::amqp
