#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "access.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "channel.h"
#include "gateway/amqp/server.h"
#include "link.h"
#include "model/value.h"
#include "names.h"
#include "wire/amqp/capabilities.h"
#include "wire/amqp/frame.h"
#include "wire/amqp/methods.h"

namespace posthorn::gateway::amqp {

struct Gateway;

/// One connection: frames in, frames out. Owned by whoever owns the link. It goes through the states in their
/// order; `silent` and `closing` are the two ways it ends when the client did wrong. How it begins stands in
/// handshake.cc, its channels in session_channels.cc, why it is not read for a while in session_holds.cc.
class Session {
  public:
    enum class State : std::uint8_t {
        header,  ///< waits for the eight bytes
        start,   ///< connection.start sent
        tune,    ///< connection.tune sent
        open,    ///< tuned; waits for connection.open
        running,
        silent,   ///< did not log in, or spoke nonsense before: hears nothing more, and then the end
        closing,  ///< connection.close sent; waits for close-ok
        ended,
    };

    Session(Gateway& gateway, Link& link, Ends ends);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    /// Takes what whole frames are in `data`; returns the bytes taken. Stops early when something is in the
    /// way: the rest is offered again when it is gone.
    std::size_t on_data(Bytes data);
    void on_writable();
    /// About ten times a second: heartbeats, and time-outs of every state.
    void sweep(std::int64_t now_ms);
    /// Goes on with what could not be done, if it can be now. False: come again.
    bool go_on();

    // For its channels.
    Buffer& out() { return link_.out(); }
    bool congested() const { return link_.congested(); }
    Access& access() { return access_; }
    exchange::VirtualHost& host() { return *host_; }
    std::uint64_t owner() const { return id_; }
    std::uint32_t frame_max() const { return frame_max_; }
    const wire::Capabilities& capabilities() const { return capabilities_; }
    bool impersonates() const;
    /// A publish came while an alarm is on: nothing more is read from this client until it is over.
    void published();
    /// The engine has no room for more of this client's publishes just now.
    void hold_until_room();
    /// Messages in the client's hands, over its channels.
    bool window_full() const { return unsettled_ >= unsettled_max_; }
    void took_one() { ++unsettled_; }
    void settled(std::size_t count);
    /// Its publish is kept until there is room: it hears of that, as of an alarm.
    void tell_blocked(std::string_view why);
    /// `channel` cannot go on before something has happened; nothing behind it may be done first.
    void stall(Channel& channel);
    /// Closes the channel, or the connection, for what it asked for earlier.
    void refuse(Channel& channel, Refusal refusal) { settle_channel(channel, std::move(refusal)); }

    // For the gateway.
    void alarms_changed();
    /// Tells the client, and closes when it has answered.
    void force_close(std::string_view reason);
    /// A violation outside of any frame.
    void fail(const wire::Violation& violation);
    void fail_channel(Channel& channel, const wire::Violation& violation);

    bool to_go_on = false;  ///< in the gateway's list

    std::uint64_t id() const { return id_; }
    Handle handle() const { return handle_; }
    State state() const { return state_; }
    const std::string& name() const { return name_; }
    const std::string& user() const { return access_.user(); }
    const exchange::VirtualHost* virtual_host() const { return host_; }
    bool blocked() const { return (held_ & kAlarm) != 0; }
    void describe(ConnectionInfo& info) const;
    template <class Visit>
    void each_channel(Visit visit) {
        for (auto& [number, channel] : channels_)
            visit(*channel);
    }

  private:
    /// Why nothing is read.
    static constexpr unsigned kAlarm = 1, kStalled = 2, kNoRoom = 4, kFlooded = 8, kNaming = 16;

    std::size_t take_header(Bytes data);
    void on_frame(const wire::Frame& frame);
    void on_connection_frame(const wire::Frame& frame);
    void on_connection_method(Bytes payload);
    void on_channel_frame(const wire::Frame& frame);
    void on_closing_frame(const wire::Frame& frame);
    Channel* find_channel(std::uint16_t number);
    bool waits_for_names(const wire::Frame& frame);
    void open_channel(const wire::Frame& frame);
    void settle_channel(Channel& channel, Refusal refusal);

    // handshake.cc
    void send_start();
    void start_ok(const wire::ConnectionStartOk& method);
    void tune_ok(const wire::ConnectionTuneOk& method);
    void open(const wire::ConnectionOpen& method);
    bool logs_in(const wire::ConnectionStartOk& method, std::string& user) const;
    std::string certificate_user() const;
    void update_secret(const wire::ConnectionUpdateSecret& method);

    template <class M>
    void send(const M& method);
    /// Whatever it was before connection.open-ok: no answer, then the end.
    void fall_silent(std::string_view why, LogLevel level = LogLevel::info);
    /// One of the lines that are limited; it tells how many like it were left out.
    void say(LogLevel level, LogLimit& lines, const std::string& text);
    void send_close(const wire::Violation& violation);
    void release();
    void end(std::string_view why);
    void hold(unsigned reason);
    void let_go(unsigned reason);
    void keep_inputs();
    void count_kept(Channel& channel);
    void wake_consumers();
    void tell_unblocked();

    Gateway& gateway_;
    Link& link_;
    const std::uint64_t id_;
    const Handle handle_;
    Ends ends_;
    std::string name_;
    State state_ = State::header;
    unsigned held_ = 0;
    bool released_ = false;
    bool told_blocked_ = false;

    wire::Capabilities capabilities_;
    model::Arguments client_properties_;
    Access access_;
    exchange::VirtualHost* host_ = nullptr;
    std::string_view mechanism_;
    std::uint16_t channel_max_ = 0;  ///< 0: no limit but the protocol's
    std::uint32_t frame_max_ = wire::kMinFrameMax;
    std::uint16_t heartbeat_s_ = 0;

    std::unordered_map<std::uint16_t, std::unique_ptr<Channel>> channels_;
    Channel* last_channel_ = nullptr;  ///< frames come in runs
    Channel* stalled_ = nullptr;
    std::size_t kept_bytes_ = 0;  ///< of its channels
    std::size_t unsettled_ = 0;
    const std::size_t unsettled_max_;
    std::uint16_t naming_ = 0;       ///< the channel whose held answer the next frame waits for
    std::vector<Channel*> touched_;  ///< got a part of a message from this input

    std::int64_t connected_ms_ = 0, opened_wall_ms_ = 0;
    std::int64_t heard_ms_ = 0;  ///< any byte
    std::int64_t said_ms_ = 0;   ///< as far as `sweep` has seen
    std::uint64_t said_bytes_ = 0;
    std::uint64_t sent_bytes_ = 0;  ///< the client's system took so many, as far as `sweep` has seen
    std::int64_t deadline_ms_ = 0;  ///< of the states `silent`, `closing` and `ended`
    std::uint64_t frames_in_ = 0, bytes_in_ = 0;
};

}  // namespace posthorn::gateway::amqp
