#include "pending_confirms.h"

#include "channel.h"
#include "gateway.h"

namespace posthorn::gateway::amqp {

void PendingConfirms::Ring::push(const PendingConfirm& confirm) {
    if (size() == slots_.size()) {
        std::vector<PendingConfirm> larger(slots_.empty() ? 256 : slots_.size() * 2);
        const std::size_t count = size();
        for (std::size_t n = 0; n < count; ++n)
            larger[n] = slots_[(head_ + n) & (slots_.size() - 1)];
        slots_ = std::move(larger);
        head_ = 0, tail_ = count;
    }
    slots_[tail_++ & (slots_.size() - 1)] = confirm;
}

void PendingConfirms::push(PendingConfirm confirm, bool must_sync) {
    confirm.must_sync = must_sync;
    Ring& ring = confirm.receipt.names != 0 ? fresh_ : must_sync ? synced_ : written_;
    if (confirm.first != 0 && ring.size() != 0) {
        PendingConfirm& last = ring.back();
        if (last.channel == confirm.channel && last.tick == confirm.tick && last.last + 1 == confirm.first &&
            last.first != 0 && last.must_sync == must_sync) {
            last.receipt = confirm.receipt.with(last.receipt);
            last.last = confirm.last;
            return;
        }
    }
    ring.push(confirm);
}

void PendingConfirms::release(Gateway& gateway) {
    release(gateway, written_);
    release(gateway, synced_);
    release(gateway, fresh_);
}

void PendingConfirms::release(Gateway& gateway, Ring& ring) {
    while (ring.size() != 0) {
        const PendingConfirm& first = ring.front();
        const broker::Promise promise = gateway.broker.state(first.receipt, first.must_sync);
        if (promise == broker::Promise::pending) break;
        if (Channel* const channel = gateway.channels.find(first.channel)) {
            const bool kept = promise == broker::Promise::kept;
            if (first.first == 0)
                channel->committed(kept);
            else
                channel->confirmed(first.first, first.last, kept);
        }
        ring.pop();
    }
}

}  // namespace posthorn::gateway::amqp
