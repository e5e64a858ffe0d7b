#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/bytes.h"
#include "wire/amqp/violation.h"

namespace posthorn::wire::amqp {

/// One frame, numbers in network order:
///
///     0      1         3          7                7 + size
///     +------+---------+----------+----------------+------+
///     | type | channel | size     | payload        | 0xCE |
///     | 1 B  | 16 bit  | 32 bit   | size bytes     | 1 B  |
///     +------+---------+----------+----------------+------+
///
/// A number that is not listed is still a valid value of the type: the splitter passes it on, because
/// RabbitMQ too reads such a frame to its end before it complains (`unknown_frame`).
enum class FrameType : std::uint8_t { method = 1, header = 2, body = 3, heartbeat = 8 };

inline constexpr std::size_t kFrameHead = 7;
inline constexpr std::size_t kFrameOverhead = 8;  ///< head and end byte: frame_max counts them in
inline constexpr std::byte kFrameEnd{0xCE};

/// The smallest frame_max a peer may ask for.
inline constexpr std::uint32_t kMinFrameMax = 4096;
/// The limit before connection.tune-ok. RabbitMQ 3.10 has 4096 here, too little for the tokens that some
/// clients send as their password; later versions have this.
inline constexpr std::uint32_t kHandshakeFrameMax = 8192;
inline constexpr std::uint32_t kDefaultFrameMax = 131'072;

/// A view into the stream it was found in.
struct Frame {
    FrameType type = FrameType::method;
    std::uint16_t channel = 0;
    Bytes payload;
};

/// Cuts a stream into frames without copying.
///
///     FrameSplitter splitter(data, frame_max);
///     Frame frame;
///     while (splitter.next(frame) == FrameSplitter::Step::frame) ...
///     return splitter.consumed();
///
/// It keeps nothing between calls of `on_data`: construct it again with the rest and what came behind it.
class FrameSplitter {
  public:
    enum class Step {
        frame,       ///< one more, in the argument
        incomplete,  ///< the rest is no whole frame; `needed()` bytes would be
        broken,      ///< `violation()`; the stream cannot be resynchronised, nothing behind it is readable
    };

    /// `frame_max` as negotiated, 0 for no limit. Frames may be 8 bytes longer: RabbitMQ forgives clients
    /// that do not count the overhead, and some rely on it.
    FrameSplitter(Bytes stream, std::uint32_t frame_max)
        : stream_(stream), limit_(payload_limit(frame_max)) {}

    /// A size over the limit is found before its bytes come, so nobody waits for, or keeps, a giant.
    Step next(Frame& frame) {
        const std::size_t left = stream_.size() - at_;
        if (left < kFrameHead) return Step::incomplete;
        const std::byte* const head = stream_.data() + at_;
        const auto size = load_be<std::uint32_t>(head + 3);
        if (size > limit_) [[unlikely]]
            return Step::broken;
        if (left - kFrameHead <= size) return Step::incomplete;
        if (head[kFrameHead + size] != kFrameEnd) [[unlikely]]
            return Step::broken;
        frame.type = static_cast<FrameType>(head[0]);
        frame.channel = load_be<std::uint16_t>(head + 1);
        frame.payload = Bytes(head + kFrameHead, size);
        at_ += kFrameOverhead + size;
        return Step::frame;
    }

    /// Changes the limit for the frames not yet taken (after connection.tune-ok).
    void set_frame_max(std::uint32_t frame_max) { limit_ = payload_limit(frame_max); }

    /// Bytes of the stream that were given out as frames.
    std::size_t consumed() const { return at_; }
    /// After `incomplete`: how long the unconsumed rest must be for `next` to get further: 7 while the size
    /// is not here, then the frame's whole length.
    std::size_t needed() const;
    /// After `broken`: FRAME_ERROR with RabbitMQ's text.
    Violation violation() const;

  private:
    static std::uint64_t payload_limit(std::uint32_t frame_max) {
        return frame_max == 0 ? std::numeric_limits<std::uint32_t>::max() : frame_max;
    }

    Bytes stream_;
    std::uint64_t limit_;  ///< of the payload: frame_max - overhead + 8 forgiven
    std::size_t at_ = 0;
};

/// A known type, with room for a method's ids or a content header's size; a heartbeat without payload.
constexpr bool well_formed(const Frame& frame) {
    switch (frame.type) {
        case FrameType::method:
            return frame.payload.size() >= 4;
        case FrameType::header:
            return frame.payload.size() >= 12;
        case FrameType::body:
            return true;
        case FrameType::heartbeat:
            return frame.payload.empty();
    }
    return false;
}
/// FRAME_ERROR for a frame that is not well formed.
Violation unknown_frame(const Frame& frame);
/// UNEXPECTED_FRAME for a known frame where none of its kind may be: content on channel 0, a heartbeat on
/// another, anything before connection.open-ok.
Violation unexpected_frame(const Frame& frame);

/// The one heartbeat frame.
void append_heartbeat(Buffer& out);

}  // namespace posthorn::wire::amqp
