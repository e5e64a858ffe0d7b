#include "gateway.h"

#include "channel.h"
#include "payload.h"
#include "session.h"

namespace posthorn::gateway::amqp {

namespace {

constexpr std::string_view kNameLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kNameLength = 22;

}  // namespace

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
    hosts.set_codec(kPayloadFormat, codec);
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
        if (Session* const session = sessions.find(handle); session != nullptr && !session->go_on())
            to_go_on_.push_back(handle);
    going_on_.clear();
    buried_.clear();
}

void Gateway::sweep() {
    const std::int64_t now_ms = steady_ms();
    sessions.each([now_ms](Session& session) { session.sweep(now_ms); });
}

void Gateway::finish_later(Channel& channel) {
    to_finish_.push_back(channel.handle());
}

void Gateway::go_on_later(Session& session) {
    const Handle handle = session.handle();
    for (const Handle listed : to_go_on_)
        if (listed == handle) return;
    to_go_on_.push_back(handle);
}

std::string_view Gateway::random_name(std::string_view prefix) {
    name_.assign(prefix);
    for (std::size_t n = 0; n < kNameLength; ++n)
        name_ += kNameLetters[random.below(kNameLetters.size())];
    return name_;
}

}  // namespace posthorn::gateway::amqp
