#include "wire/amqp/frame.h"

#include <fmt/format.h>

#include <algorithm>

#include "erlang_text.h"

namespace posthorn::wire::amqp {
namespace {

/// "type 9, all octets = <<"hello">>", or the first 16.
std::string snippet(FrameType type, Bytes payload) {
    constexpr std::size_t kShown = 16;
    return fmt::format("type {}, {} octets = {}", static_cast<unsigned>(type),
                       payload.size() <= kShown ? "all" : "first 16",
                       erlang_binary(payload.first(std::min(payload.size(), kShown))));
}

}  // namespace

std::size_t FrameSplitter::needed() const {
    const Bytes rest = stream_.subspan(at_);
    if (rest.size() < kFrameHead) return kFrameHead;
    return kFrameOverhead + load_be<std::uint32_t>(rest.data() + 3);
}

Violation FrameSplitter::violation() const {
    const Bytes rest = stream_.subspan(at_);
    const auto type = static_cast<FrameType>(rest[0]);
    const auto size = load_be<std::uint32_t>(rest.data() + 3);
    const std::string what = size > limit_ ? fmt::format("{}: {{frame_too_large,{},{}}}", snippet(type, {}),
                                                         size, limit_ - kFrameOverhead)
                                           : fmt::format("{}: {{invalid_frame_end_marker,{}}}",
                                                         snippet(type, rest.subspan(kFrameHead, size)),
                                                         std::to_integer<unsigned>(rest[kFrameHead + size]));
    return {ReplyCode::frame_error, MethodCode::none, what};
}

Violation unknown_frame(const Frame& frame) {
    return {ReplyCode::frame_error, MethodCode::none, snippet(frame.type, frame.payload) + ": unknown_frame"};
}

Violation unexpected_frame(const Frame& frame) {
    return {ReplyCode::unexpected_frame, MethodCode::none, snippet(frame.type, frame.payload)};
}

void append_heartbeat(Buffer& out) {
    std::byte* to = out.extend(kFrameOverhead);
    std::fill_n(to, kFrameHead, std::byte{0});
    to[0] = static_cast<std::byte>(FrameType::heartbeat);
    to[kFrameHead] = kFrameEnd;
}

}  // namespace posthorn::wire::amqp
