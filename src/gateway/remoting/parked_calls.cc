#include "parked_calls.h"

#include "call.h"
#include "gateway.h"

namespace posthorn::gateway::remoting {

namespace {

/// So many read at a time. What each needs must be in the engine's cache of cold blocks together, and every
/// finished load runs them all again.
constexpr std::size_t kRunningMax = 32;
/// A call needs a handful of loads. One that had so many runs loses its blocks to others again and again.
constexpr std::uint32_t kRunsMax = 64;

}  // namespace

bool ParkedCalls::park(const Call& call) {
    if (call.parked) return call.parked->runs < kRunsMax;
    const RemotingOptions& options = gateway_.options;
    if (parked_.size() >= options.parked_calls_max) return false;
    if (call.frame.header.size() + call.frame.body.size() > options.parked_call_bytes_max) return false;
    Parked& parked = parked_.emplace_back(*this);
    parked.self = std::prev(parked_.end());
    parked.session = call.session.handle();
    parked.encoding = call.frame.encoding;
    parked.header.append(call.frame.header);
    parked.body.append(call.frame.body);
    parked.started_ns = call.started_ns;
    if (running_ < kRunningMax) {
        ++running_;
        parked.running = true;
        gateway_.broker.wait_loaded(parked);
    }
    return true;
}

void ParkedCalls::Parked::on_readable() {
    ParkedCalls& owner = owner_;  // this one may be gone after its run
    owner.run(self);
    owner.go_on();
}

void ParkedCalls::run(std::list<Parked>::iterator at) {
    Parked& parked = *at;
    ++parked.runs;
    Session* session = gateway_.sessions.find(parked.session);
    const wire::Frame frame{parked.encoding, parked.header.view(), parked.body.view(), 0};
    const auto header = gateway_.decoder.decode(frame);
    POSTHORN_CHECK(session && header.ok(), "a parked call outlived its session, or changed");
    if (gateway_.dispatcher.run_again(gateway_, *session, **header, frame, parked))
        return gateway_.broker.wait_loaded(parked);
    --running_;
    parked_.erase(at);
}

void ParkedCalls::go_on() {
    while (running_ < kRunningMax && running_ < parked_.size()) {
        auto next = parked_.begin();
        while (next->running)
            ++next;
        ++running_;
        next->running = true;
        run(next);
    }
}

void ParkedCalls::drop_all_of(const Session& session) {
    for (auto at = parked_.begin(); at != parked_.end();) {
        const auto here = at++;
        if (here->session != session.handle()) continue;
        running_ -= here->running ? 1 : 0;
        parked_.erase(here);
    }
}

}  // namespace posthorn::gateway::remoting
