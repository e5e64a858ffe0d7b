#include "gateway.h"

#include "wire/remoting/properties.h"

namespace posthorn::gateway::remoting {

namespace {
constexpr std::int64_t kClientSweepMs = 10'000;  // as the original
}  // namespace

Gateway::Gateway(broker::Broker& engine, RemotingOptions wanted, const env::Clock& time)
    : broker(engine),
      options(std::move(wanted)),
      clock(time),
      random(static_cast<std::uint64_t>(time.wall_ms())),
      sends(options.pending_sends_max),
      pulls(*this),
      parked(*this),
      locks(options.queue_lock_timeout.count(), options.queue_locks_max),
      traffic(steady_ms(), options.sampled_flows_max),
      throughput(steady_ms(), time.wall_ms()),
      unique_keys(time.wall_ms()),
      started_wall_ms(time.wall_ms()),
      send_reply(options.region, options.trace_on) {
    wire::append_property(cluster_property, wire::property::cluster, options.cluster_name);
}

Gateway::~Gateway() = default;

void Gateway::change_options(RemotingOptions changed) {
    options = std::move(changed);
    send_reply = wire::SendReply(options.region, options.trace_on);
}

void Gateway::after_tick() {
    sends.release(*this);
    replies.release(*this);
    clients.tell_changed(*this);
}

void Gateway::sweep() {
    const std::int64_t now_ms = steady_ms();
    pulls.expire(now_ms);
    relay.give_up(now_ms);
    parked.go_on();
    if (now_ms >= next_client_sweep_ms_) {
        clients.expire(*this, now_ms);
        locks.drop_expired(now_ms);
        next_client_sweep_ms_ = now_ms + kClientSweepMs;
    }
    traffic.sample(now_ms, catalog());
    throughput.sample(traffic.totals, now_ms, clock.wall_ms());
}

}  // namespace posthorn::gateway::remoting
