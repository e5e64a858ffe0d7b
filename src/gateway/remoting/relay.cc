#include "relay.h"

#include "gateway.h"

namespace posthorn::gateway::remoting {

bool Relay::ask(Gateway& gateway, Session& client, RequestCode code,
                const std::function<void(wire::FrameWriter&)>& write, Done done) {
    if (waiting_.size() >= gateway.options.relayed_max) {
        ++gateway.counters.busy_refusals;
        return false;
    }
    const std::int32_t opaque = next_opaque_++;
    if (next_opaque_ < 0) next_opaque_ = 1 << 30;
    auto request = wire::FrameWriter::request(client.out(), client.encoding(), code, opaque);
    write(request);
    if (!request.finish()) return false;
    waiting_.insert_or_assign(
        opaque, Waiting{client.handle(), gateway.steady_ms() + gateway.options.relay_timeout.count(),
                        std::move(done)});
    return true;
}

void Relay::on_answer(Session& client, const wire::Header& header, Bytes body) {
    const auto found = waiting_.find(header.opaque);
    // An answer too late, to a notice, or from somebody who was not asked: nobody wants it.
    if (found == waiting_.end() || found->second.client != client.handle()) return;
    const Done done = std::move(found->second.done);
    waiting_.erase(found);
    const Answer answer{header.code, header.remark, body};
    done(&answer);
}

void Relay::give_up(std::int64_t now_ms) {
    take_out([&](const Waiting& waiting) { return waiting.deadline_ms <= now_ms; });
}

void Relay::forget(SessionHandle client) {
    take_out([&](const Waiting& waiting) { return waiting.client == client; });
}

void Relay::take_out(const std::function<bool(const Waiting&)>& which) {
    std::vector<Done> dropped;
    for (auto at = waiting_.begin(); at != waiting_.end();) {
        if (which(at->second)) {
            dropped.push_back(std::move(at->second.done));
            at = waiting_.erase(at);
        } else {
            ++at;
        }
    }
    for (const Done& done : dropped)
        done(nullptr);
}

}  // namespace posthorn::gateway::remoting
