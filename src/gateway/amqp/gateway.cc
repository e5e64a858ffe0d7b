#include "gateway.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "channel.h"
#include "exchange/names.h"
#include "payload.h"
#include "session.h"

namespace posthorn::gateway::amqp {

Gateway::Gateway(broker::Broker& engine, exchange::VirtualHosts& virtual_hosts, exchange::Alarms& alarm,
                 auth::Users& known, AmqpOptions wanted, const env::Clock& time)
    : broker(engine),
      hosts(virtual_hosts),
      alarms(alarm),
      users(known),
      options(std::move(wanted)),
      clock(time),
      random(env::system_seed()),
      confirms(options.pending_confirms_max),
      replies(channels) {
    // Who is no longer read hears of the end of its congestion only if it was congested.
    options.output_stop_bytes = std::max(options.output_stop_bytes, options.output_high_bytes);
    // A message of any size can be sent to a client that has read all before it.
    options.output_limit_bytes =
        std::max(options.output_limit_bytes, 2 * options.output_stop_bytes + options.message_max_bytes);
    hosts.set_codec(kPayloadFormat, codec);
    hosts.set_codec(kBlindPayloadFormat, codec);
    alarms.listen(*this);
}

Gateway::~Gateway() = default;

void Gateway::on_alarm(exchange::Alarms::Kind, bool) {
    sessions.each([](Session& session) { session.alarms_changed(); });
}

void Gateway::after_tick() {
    ++tick;
    confirms.release(*this);
    held_replies.release(*this);
    for (const Handle handle : to_finish_)
        if (Channel* const channel = channels.find(handle)) channel->finish_tick();
    to_finish_.clear();
    std::swap(going_on_, to_go_on_);
    for (const Handle handle : going_on_)
        if (Session* const session = sessions.find(handle)) {
            session->to_go_on = false;
            if (!session->go_on()) go_on_later(*session);
        }
    going_on_.clear();
    give_back_some();
    buried_.clear();
}

void Gateway::give_back(Unacked unacked, Sources sources) {
    if (unacked.empty()) return;
    given_back_.push_back({std::move(unacked), std::move(sources)});
}

/// In the order of their delivery: a queue puts each in its place again.
void Gateway::give_back_some() {
    if (given_back_.empty()) return;
    GivenBack& some = given_back_.front();
    some.unacked.each_up_to(some.unacked.oldest() + kGivenBackAtOnce - 1, [&](Unsettled& one) {
        exchange::Queue& queue = *some.sources[one.source].queue;
        ++counters.messages.requeued;
        if (auto back = queue.requeue(one.id); !back && error_lines.allows(clock.steady_ns()))
            log_warn("amqp", "a message of queue '{}' could not be given back: {}", queue.spec().name,
                     back.error().message);
        some.unacked.settle(one);
    });
    if (some.unacked.empty()) given_back_.pop_front();
}

void Gateway::sweep() {
    const std::int64_t now_ms = steady_ms();
    sessions.each([now_ms](Session& session) { session.sweep(now_ms); });
    if (options.consumer_timeout.count() > 0 && now_ms >= next_age_check_ms_) check_ages(now_ms);
}

void Gateway::check_ages(std::int64_t now_ms) {
    next_age_check_ms_ = now_ms + options.consumer_timeout.count() / 8;
    channels.each([now_ms](Channel& channel) {
        if (channel.closing() || channel.stalled()) return;  // a stalled one is looked at the next time
        if (Refusal refusal = channel.check_age(now_ms)) channel.session().fail_channel(channel, *refusal);
    });
}

void Gateway::finish_later(Channel& channel) {
    to_finish_.push_back(channel.handle());
}

void Gateway::go_on_later(Session& session) {
    if (!std::exchange(session.to_go_on, true)) to_go_on_.push_back(session.handle());
}

void Gateway::left(const exchange::VirtualHost& host) {
    const auto at = connections_in_.find(&host);
    if (--at->second == 0) connections_in_.erase(at);
}

std::uint64_t Gateway::connections_in(const exchange::VirtualHost& host) const {
    const auto at = connections_in_.find(&host);
    return at == connections_in_.end() ? 0 : at->second;
}

std::string_view Gateway::random_name(std::string_view prefix) {
    name_ = exchange::random_name(prefix, random(), random());
    return name_;
}

}  // namespace posthorn::gateway::amqp
