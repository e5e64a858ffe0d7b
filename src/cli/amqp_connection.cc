#include "amqp_connection.h"

#include <fmt/format.h>

#include "wire/amqp/protocol_header.h"
#include "wire/amqp/sasl.h"
#include "wire/amqp/table_writer.h"

namespace posthorn::cli {
namespace amqp = wire::amqp;
using amqp::MethodCode;

namespace {

constexpr std::chrono::seconds kPatience{20};

/// "403 ACCESS_REFUSED - ...", out of either kind of close.
template <class M>
std::string close_text(Bytes payload) {
    M method;
    if (!amqp::decode(payload, method)) return "with a malformed close";
    return fmt::format("{} {}", static_cast<int>(method.reply_code), method.reply_text);
}

}  // namespace

Error AmqpConnection::closed(Bytes payload) {
    const bool channel = amqp::method_of(payload) == MethodCode::channel_close;
    return {Errc::denied, fmt::format("the server closed the {}: {}", channel ? "channel" : "connection",
                                      channel ? close_text<amqp::ChannelClose>(payload)
                                              : close_text<amqp::ConnectionClose>(payload))};
}

Result<AmqpConnection> AmqpConnection::open(const AmqpTarget& target, std::chrono::milliseconds timeout) {
    auto link = connect(target.address, timeout);
    if (!link) return link.error();
    AmqpConnection connection(std::move(*link));
    if (auto done = connection.shake_hands(target); !done) return done.error();
    return connection;
}

Result<Bytes> AmqpConnection::answer(MethodCode expected) {
    if (auto written = write_all(); !written) return written.error();
    const std::int64_t deadline = steady_now() + std::chrono::nanoseconds(kPatience).count();
    bool here = false;
    while (!here) {
        auto taken = take_frames([&](const amqp::Frame& frame) {
            if (here || frame.type != amqp::FrameType::method || amqp::method_of(frame.payload) != expected)
                return;
            answer_.clear();
            answer_.append(frame.payload);
            here = true;
        });
        if (!taken) return taken.error();
        if (here) break;
        if (steady_now() > deadline) return Error{Errc::io, "the server does not answer"};
        if (auto got = read_some(std::chrono::milliseconds(100)); !got) return got.error();
    }
    return answer_.view();
}

Result<void> AmqpConnection::shake_hands(const AmqpTarget& target) {
    const auto write_to_connection = [this](const auto& method) { amqp::append_method(out(), 0, method); };
    out().append(Bytes(amqp::kProtocolHeader));
    if (auto start = answer(MethodCode::connection_start); !start) return start.error();

    Buffer response;
    amqp::append_plain(response, {target.user, target.password});
    Buffer properties;
    amqp::TableWriter writer(properties);
    writer.name("product").text("posthorn bench");
    amqp::ConnectionStartOk start_ok;
    start_ok.client_properties = writer.finish();
    start_ok.mechanism = "PLAIN";
    start_ok.response = as_text(response.view());
    start_ok.locale = "en_US";
    write_to_connection(start_ok);
    auto tuned = answer(MethodCode::connection_tune);
    if (!tuned) return tuned.error();

    amqp::ConnectionTune tune;
    if (!amqp::decode(*tuned, tune)) return Error{Errc::invalid, "a malformed connection.tune"};
    frame_max_ = tune.frame_max == 0 ? amqp::kDefaultFrameMax : tune.frame_max;
    // No heartbeats: a load program is never silent for long, and a timer would be one more thing it does.
    write_to_connection(amqp::ConnectionTuneOk{tune.channel_max, frame_max_, 0});
    amqp::ConnectionOpen open;
    open.virtual_host = target.virtual_host;
    write_to_connection(open);
    if (auto opened = answer(MethodCode::connection_open_ok); !opened) return opened.error();
    if (auto channel = call(amqp::ChannelOpen{}, MethodCode::channel_open_ok); !channel)
        return channel.error();
    return {};
}

}  // namespace posthorn::cli
