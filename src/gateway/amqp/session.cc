#include "session.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "gateway.h"
#include "wire/amqp/decode.h"
#include "wire/amqp/encode.h"
#include "wire/amqp/protocol_header.h"

namespace posthorn::gateway::amqp {

Session::Session(Gateway& gateway, Link& link, Ends ends)
    : gateway_(gateway),
      link_(link),
      id_(gateway.next_session++),
      handle_(gateway.sessions.add(*this)),
      ends_(std::move(ends)),
      name_(fmt::format("{}:{} -> {}:{}", ends_.peer_host, ends_.peer_port, ends_.host, ends_.port)),
      access_(gateway.users),
      unsettled_max_(gateway.options.unsettled_per_connection_max),
      connected_ms_(gateway.steady_ms()),
      opened_wall_ms_(gateway.clock.wall_ms()),
      heard_ms_(connected_ms_),
      said_ms_(connected_ms_) {}

Session::~Session() {
    release();
    gateway_.sessions.remove(handle_);
}

template <class M>
void Session::send(const M& method) {
    wire::append_method(link_.out(), 0, method);
}

// --- in ----------------------------------------------------------------------------------------------------

std::size_t Session::on_data(Bytes data) {
    heard_ms_ = gateway_.steady_ms();
    std::size_t taken = 0;
    if (state_ == State::header) {
        taken = take_header(data);
        if (taken == 0) return 0;
    }
    wire::FrameSplitter splitter(data.subspan(taken), frame_max_);
    wire::Frame frame;
    auto step = wire::FrameSplitter::Step::frame;
    std::size_t done = 0;
    for (; held_ == 0 && state_ < State::silent; done = splitter.consumed()) {
        step = splitter.next(frame);
        if (step != wire::FrameSplitter::Step::frame) break;
        if (waits_for_names(frame)) [[unlikely]]
            break;
        ++frames_in_;
        on_frame(frame);
        splitter.set_frame_max(frame_max_);
        if (link_.unsent() > gateway_.options.output_stop_bytes && state_ == State::running) hold(kFlooded);
    }
    // The last words are read however slowly the client reads ours.
    while (state_ == State::closing) {
        step = splitter.next(frame);
        if (step != wire::FrameSplitter::Step::frame) break;
        on_closing_frame(frame);
        done = splitter.consumed();
    }
    if (step == wire::FrameSplitter::Step::broken && state_ == State::running)
        fail(splitter.violation());
    else if (step == wire::FrameSplitter::Step::broken && state_ < State::running)
        fall_silent(splitter.violation().detail);
    keep_inputs();
    const bool deaf = state_ == State::silent || state_ == State::ended ||
                      (state_ == State::closing && step == wire::FrameSplitter::Step::broken);
    taken = deaf ? data.size() : taken + done;
    bytes_in_ += taken;
    return taken;
}

void Session::keep_inputs() {
    for (Channel* const channel : touched_) {
        channel->keep_input();
        count_kept(*channel);
    }
    touched_.clear();
    if (kept_bytes_ > gateway_.options.partial_max_bytes && state_ == State::running)
        fail({wire::ReplyCode::resource_error, wire::MethodCode::none,
              "too many bytes of unfinished messages and open transactions"});
}

void Session::count_kept(Channel& channel) {
    kept_bytes_ += channel.kept_bytes() - std::exchange(channel.counted_bytes, channel.kept_bytes());
}

std::size_t Session::take_header(Bytes data) {
    const wire::ProtocolHeaderScan scan = wire::scan_protocol_header(data);
    switch (scan.state) {
        case wire::ProtocolHeaderScan::State::incomplete:
            return 0;
        case wire::ProtocolHeaderScan::State::refused:
            ++gateway_.counters.handshakes_failed;
            say(LogLevel::info, gateway_.handshake_lines, fmt::format("closing {}: {}", name_, scan.reason));
            link_.out().append(Bytes(wire::kProtocolHeader));
            end("not the protocol header of AMQP 0-9-1");
            return data.size();
        case wire::ProtocolHeaderScan::State::accepted:
            break;
    }
    send_start();
    return wire::kProtocolHeaderSize;
}

void Session::on_frame(const wire::Frame& frame) {
    if (frame.channel == 0) return on_connection_frame(frame);
    if (state_ == State::running) return on_channel_frame(frame);
    fall_silent("a frame on a channel before connection.open-ok");
}

void Session::on_connection_frame(const wire::Frame& frame) {
    switch (frame.type) {
        case wire::FrameType::heartbeat:
            if (frame.payload.empty()) return;
            break;
        case wire::FrameType::method:
            return on_connection_method(frame.payload);
        case wire::FrameType::header:
        case wire::FrameType::body:
            if (state_ == State::running) return fail(wire::unexpected_frame(frame));
            break;
    }
    if (state_ == State::running) return fail(wire::unknown_frame(frame));
    fall_silent("a frame no client sends before connection.open-ok");
}

namespace {

template <class M, class Handle>
bool decoded(Bytes payload, Handle handle) {
    M method;
    if (!wire::decode(payload, method)) return false;
    handle(method);
    return true;
}

}  // namespace

void Session::on_connection_method(Bytes payload) {
    using wire::MethodCode;
    const MethodCode code = wire::method_of(payload);
    bool whole = true, expected = true;
    switch (code) {
        case MethodCode::connection_start_ok:
            expected = state_ == State::start;
            if (expected)
                whole = decoded<wire::ConnectionStartOk>(payload, [this](const auto& m) { start_ok(m); });
            break;
        case MethodCode::connection_tune_ok:
            expected = state_ == State::tune;
            if (expected)
                whole = decoded<wire::ConnectionTuneOk>(payload, [this](const auto& m) { tune_ok(m); });
            break;
        case MethodCode::connection_open:
            expected = state_ == State::open;
            if (expected) whole = decoded<wire::ConnectionOpen>(payload, [this](const auto& m) { open(m); });
            break;
        case MethodCode::connection_close:
            // Also before connection.open-ok: a client that gives up half-way says so.
            release();
            send(wire::ConnectionCloseOk{});
            return end("closed by the client");
        case MethodCode::connection_update_secret:
            expected = state_ == State::running;
            if (expected)
                whole = decoded<wire::ConnectionUpdateSecret>(payload,
                                                              [this](const auto& m) { update_secret(m); });
            break;
        default:
            expected = false;
    }
    if (expected && whole) return;
    if (state_ < State::running)
        return fall_silent(expected ? "a malformed method" : "a method out of its turn");
    if (!whole) return fail(wire::malformed(payload));
    if (wire::name(code).empty()) return fail(wire::unimplemented_method(code));
    fail({wire::ReplyCode::channel_error, code, "unexpected method in connection state running"});
}

void Session::on_closing_frame(const wire::Frame& frame) {
    if (frame.channel != 0 || frame.type != wire::FrameType::method) return;
    switch (wire::method_of(frame.payload)) {
        case wire::MethodCode::connection_close_ok:
            return end("closed after an error");
        case wire::MethodCode::connection_close:  // both closed at once
            send(wire::ConnectionCloseOk{});
            return;
        default:
            return;
    }
}

// --- the end -----------------------------------------------------------------------------------------------

void Session::fail(const wire::Violation& violation) {
    if (state_ >= State::silent) return;
    ++gateway_.counters.connection_errors;
    send_close(violation);
}

void Session::send_close(const wire::Violation& violation) {
    const std::string text = wire::reply_text(violation.code, violation.detail);
    say(LogLevel::info, gateway_.error_lines, fmt::format("closing {} ({}): {}", name_, user(), text));
    release();
    wire::append_close(out(), 0, violation);
    state_ = State::closing;
    deadline_ms_ = gateway_.steady_ms() + gateway_.options.close_timeout.count();
    let_go(held_);
}

void Session::say(LogLevel level, LogLimit& lines, const std::string& text) {
    if (!log_enabled(level) || !lines.allows(gateway_.clock.steady_ns())) return;
    if (lines.left_out() == 0)
        log_line(level, "amqp", text);
    else
        log_line(level, "amqp",
                 fmt::format("{} ({} more like it since the last such line)", text, lines.left_out()));
}

void Session::force_close(std::string_view reason) {
    if (state_ >= State::silent) return;
    if (state_ != State::running) return end(reason);
    send_close({wire::ReplyCode::connection_forced, wire::MethodCode::none, std::string(reason)});
}

void Session::fall_silent(std::string_view why, LogLevel level) {
    ++gateway_.counters.handshakes_failed;
    say(level, level == LogLevel::info ? gateway_.handshake_lines : gateway_.login_lines,
        fmt::format("closing {} before it is open: {}", name_, why));
    state_ = State::silent;
    deadline_ms_ = gateway_.steady_ms() + gateway_.options.refused_silence.count();
}

void Session::end(std::string_view) {
    if (state_ == State::ended) return;
    release();
    state_ = State::ended;
    deadline_ms_ = gateway_.steady_ms() + gateway_.options.close_timeout.count();
    link_.close_when_sent();
}

void Session::release() {
    if (released_) return;
    released_ = true;
    if ((held_ & kAlarm) != 0) --gateway_.counters.blocked;
    last_channel_ = stalled_ = nullptr;
    touched_.clear();
    for (auto& [number, channel] : channels_)
        channel->release();
    channels_.clear();
    if (host_ != nullptr) {
        gateway_.left(*host_);
        gateway_.hosts.owner_gone(id_);
        ++gateway_.counters.connections_closed;
    }
    host_ = nullptr;
}

// --- time --------------------------------------------------------------------------------------------------

void Session::sweep(std::int64_t now_ms) {
    switch (state_) {
        case State::header:
        case State::start:
        case State::tune:
        case State::open:
            if (now_ms - connected_ms_ >= gateway_.options.handshake_timeout.count()) {
                ++gateway_.counters.handshakes_failed;
                link_.close("the handshake took too long");
            }
            break;
        case State::silent:
        case State::closing:
        case State::ended:  // perhaps never: somebody who does not read our last words
            if (now_ms >= deadline_ms_) link_.close("no answer, or none wanted");
            return;
        case State::running:
            break;
    }
    if (heartbeat_s_ == 0 || state_ < State::open) return;
    const std::int64_t interval_ms = std::int64_t{heartbeat_s_} * 1000;
    if (link_.bytes_out() != said_bytes_) {
        said_ms_ = now_ms;
    } else if (now_ms - said_ms_ >= interval_ms / 2) {
        wire::append_heartbeat(link_.out());
        said_ms_ = now_ms;
    }
    said_bytes_ = link_.bytes_out();
    // A client that is not read cannot be heard. Where that is its own doing it has to read to be alive.
    const std::uint64_t sent = link_.bytes_out() - link_.unsent();
    const bool reads = std::exchange(sent_bytes_, sent) != sent;
    if ((held_ & ~kFlooded) != 0 || (held_ != 0 && reads)) heard_ms_ = now_ms;
    if (now_ms - heard_ms_ >= 3 * interval_ms) {
        ++gateway_.counters.heartbeats_missed;
        say(LogLevel::warn, gateway_.error_lines,
            fmt::format("closing {} ({}): no sign of life for {} s", name_, user(), 3 * heartbeat_s_));
        link_.close("missed heartbeats");
    }
}

// --- for people --------------------------------------------------------------------------------------------

namespace {

std::string_view state_name(Session::State state, bool blocked, bool alarmed) {
    switch (state) {
        case Session::State::header:
        case Session::State::start:
            return "starting";
        case Session::State::tune:
            return "tuning";
        case Session::State::open:
            return "opening";
        case Session::State::running:
            return blocked ? "blocked" : alarmed ? "blocking" : "running";
        case Session::State::silent:
        case Session::State::closing:
            return "closing";
        case Session::State::ended:
            return "closed";
    }
    return "";
}

}  // namespace

void Session::describe(ConnectionInfo& info) const {
    info.id = id_;
    info.name = name_;
    info.peer_host = ends_.peer_host, info.peer_port = ends_.peer_port;
    info.host = ends_.host, info.port = ends_.port;
    info.user = access_.user(), info.virtual_host = access_.virtual_host();
    info.state = state_name(state_, blocked(), gateway_.alarms.any());
    info.protocol = "AMQP 0-9-1";
    info.mechanism = mechanism_;
    info.tls = ends_.tls;
    info.channels = static_cast<std::uint32_t>(channels_.size());
    info.channel_max = channel_max_, info.frame_max = frame_max_, info.heartbeat = heartbeat_s_;
    info.connected_at_ms = opened_wall_ms_;
    info.bytes_in = bytes_in_, info.frames_in = frames_in_;
    info.bytes_out = link_.bytes_out(), info.bytes_unsent = link_.unsent();
    info.client_properties = &client_properties_;
}

bool Session::impersonates() const {
    const auth::User* const user = gateway_.users.user(access_.user());
    return user != nullptr && user->has_tag("impersonator");
}

}  // namespace posthorn::gateway::amqp
