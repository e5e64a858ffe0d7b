#include "transaction.h"

#include <utility>

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

/// Everything in one tick and so in one write, unless the engine runs out of room in the middle: then the
/// rest follows when there is some.
Refusal Channel::commit() {
    const auto refusing = gateway_.broker.refusing();
    if (refusing && refusing->code == Errc::no_space && !transaction_->publishes.empty()) {
        stall_commit();
        return {};
    }
    stalled_ = Stalled::no;
    Transaction& transaction = *transaction_;
    for (; transaction.done < transaction.publishes.size(); ++transaction.done) {
        const Transaction::Publish& publish = transaction.publishes[transaction.done];
        Payload payload;
        const Bytes bytes = transaction.bytes.view().subspan(publish.begin, publish.size);
        POSTHORN_CHECK(read_payload(bytes, payload), "a staged publish cannot be read");
        if (Refusal refusal = publish_kept(
                {payload.exchange, payload.key, publish.mandatory, payload.properties, payload.body}))
            return refusal;
        if (stalled_ == Stalled::commit) return {};
    }
    unacked_.each_staged([this](Unsettled& one) { settle_one(one, one.verdict); });
    const auto strong = transaction.synced, weak = transaction.written;
    transaction.clear();
    // Both promises are about one log, so the later of two receipts under the stronger one covers both,
    // unless the other waits for a new queue.
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

void Channel::stall_commit() {
    if (std::exchange(stalled_, Stalled::commit) != Stalled::commit) session_.stall(*this);
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
