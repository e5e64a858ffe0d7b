#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "tcp_link.h"
#include "wire/amqp/decode.h"
#include "wire/amqp/encode.h"
#include "wire/amqp/frame.h"
#include "wire/amqp/methods.h"

namespace posthorn::cli {

/// Where an AMQP server is, and as whom to speak to it.
struct AmqpTarget {
    std::string address = "127.0.0.1:5672";
    std::string user = "guest";
    std::string password = "guest";
    std::string virtual_host = "/";
};

/// A connection to an AMQP 0-9-1 server with its one channel open, for the load programs.
class AmqpConnection : public TcpLink {
  public:
    static constexpr std::uint16_t kChannel = 1;

    static Result<AmqpConnection> open(const AmqpTarget& target,
                                       std::chrono::milliseconds timeout = std::chrono::seconds(3));

    std::uint32_t frame_max() const { return frame_max_; }

    template <class M>
    void write(const M& method) {
        wire::amqp::append_method(out(), kChannel, method);
    }

    /// Writes a method and waits for its answer; gives the answer's payload, good until the next call. A
    /// close is an error with the server's text. For a connection on which nothing else comes meanwhile.
    Result<Bytes> answer(wire::amqp::MethodCode expected);
    template <class M>
    Result<Bytes> call(const M& method, wire::amqp::MethodCode expected) {
        write(method);
        return answer(expected);
    }

    /// Calls `each(frame)` for every complete frame in the input and forgets them. Views die with the call. A
    /// close is an error with the server's text.
    template <class F>
    Result<void> take_frames(F&& each) {
        wire::amqp::FrameSplitter splitter(input(), frame_max_);
        wire::amqp::Frame frame;
        auto step = splitter.next(frame);
        for (; step == wire::amqp::FrameSplitter::Step::frame; step = splitter.next(frame)) {
            if (auto open = still_open(frame); !open) return open;
            each(frame);
        }
        if (step == wire::amqp::FrameSplitter::Step::broken)
            return Error{Errc::invalid, "the server's bytes are no frames"};
        take(splitter.consumed());
        forget_taken();
        return {};
    }

  private:
    explicit AmqpConnection(TcpLink link) : TcpLink(std::move(link)) {}
    Result<void> shake_hands(const AmqpTarget& target);
    static Result<void> still_open(const wire::amqp::Frame& frame) {
        if (frame.type != wire::amqp::FrameType::method) return {};
        const auto code = wire::amqp::method_of(frame.payload);
        if (code != wire::amqp::MethodCode::channel_close && code != wire::amqp::MethodCode::connection_close)
            return {};
        return closed(frame.payload);
    }
    static Error closed(Bytes payload);

    std::uint32_t frame_max_ = wire::amqp::kHandshakeFrameMax;
    Buffer answer_;
};

}  // namespace posthorn::cli
