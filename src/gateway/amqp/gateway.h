#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "auth/users.h"
#include "base/log_limit.h"
#include "broker/broker.h"
#include "consumers.h"
#include "env/clock.h"
#include "env/random.h"
#include "exchange/alarms.h"
#include "exchange/virtual_host.h"
#include "gateway/amqp/server.h"
#include "handles.h"
#include "held_replies.h"
#include "message_facts.h"
#include "payload_codec.h"
#include "pending_confirms.h"
#include "replies.h"
#include "unacked.h"

namespace posthorn::gateway::amqp {

class Channel;
class Session;

/// What all sessions of one server share. One thread; no logic of its own beyond the turn of a tick.
struct Gateway final : private exchange::Alarms::Listener {
    Gateway(broker::Broker& engine, exchange::VirtualHosts& virtual_hosts, exchange::Alarms& alarm,
            auth::Users& known, AmqpOptions wanted, const env::Clock& time);
    ~Gateway() override;

    std::int64_t steady_ms() const { return clock.steady_ns() / 1'000'000; }

    /// After the engine's tick: confirms and answers that became true, gets and publishes that had to wait.
    void after_tick();
    /// About ten times a second.
    void sweep();
    /// `Channel::finish_tick` at the end of this tick.
    void finish_later(Channel& channel);
    /// `Session::go_on` at the end of this tick and, as long as it says so, of the next ones.
    void go_on_later(Session& session);
    /// What an ended channel had in hand goes back to its queues, so many messages in each tick.
    void give_back(Unacked unacked, Sources sources);
    static constexpr std::size_t kGivenBackAtOnce = 4096;
    /// Open connections by virtual host.
    void entered(const exchange::VirtualHost& host) { ++connections_in_[&host]; }
    void left(const exchange::VirtualHost& host);
    std::uint64_t connections_in(const exchange::VirtualHost& host) const;
    /// 22 characters nobody guesses, for the names clients do not choose.
    std::string_view random_name(std::string_view prefix);

    broker::Broker& broker;
    exchange::VirtualHosts& hosts;
    exchange::Alarms& alarms;
    auth::Users& users;
    AmqpOptions options;
    const env::Clock& clock;
    env::Random random;
    LogLimit handshake_lines, login_lines, error_lines;
    AmqpCounters counters;  ///< those that are counted; `AmqpServer::counters` adds what is read off

    MessageCodec codec;
    Handles<Session> sessions;
    Handles<Channel> channels;
    PendingConfirms confirms;
    HeldReplies held_replies;
    Replies replies;
    std::uint64_t tick = 0;
    std::uint64_t next_session = 1;

    /// Goes at the end of the tick: it is in the middle of a call.
    void bury(std::unique_ptr<ChannelConsumer> consumer) { buried_.push_back(std::move(consumer)); }

    Buffer payload;     ///< of the message that is being published or rewritten
    Buffer properties;  ///< its properties when they change on the way
    Buffer addressed;   ///< and when it is given an address for its reply
    Buffer shown;       ///< and when a client may not see all of them
    std::string reply_address;
    std::vector<std::string_view> more_keys;
    UsualProperties usual;

  private:
    /// Closes the channels whose clients sit on a delivery.
    void check_ages(std::int64_t now_ms);
    void on_alarm(exchange::Alarms::Kind kind, bool raised) override;
    void give_back_some();

    struct GivenBack {
        Unacked unacked;
        Sources sources;
    };
    std::deque<GivenBack> given_back_;
    std::unordered_map<const exchange::VirtualHost*, std::uint64_t> connections_in_;  ///< none at zero

    std::vector<std::unique_ptr<ChannelConsumer>> buried_;
    std::vector<Handle> to_finish_, to_go_on_, going_on_;
    std::string name_;
    std::int64_t next_age_check_ms_ = 0;
};

}  // namespace posthorn::gateway::amqp
