#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "wire/remoting/header.h"
#include "wire/remoting/message_id.h"

namespace posthorn::wire::remoting {

/// Answers to stored sends. Each is the same frame but for four values, so what lies between them is laid out
/// once, by a `FrameWriter`, and copied: the bytes are those it would write, at a fifth of the price.
class SendReply {
  public:
    /// The values that are the same for all messages of a broker: fields MSG_REGION and TRACE_ON.
    SendReply(std::string_view region, bool trace_on);

    /// Appends the whole frame. `queue_offset` is the message's place in its queue.
    void append(Buffer& out, ReplyTo to, const MessageId& id, std::int32_t queue,
                std::int64_t queue_offset) const;

  private:
    /// What stands before a value. Copied in full whatever its size, which is cheaper than looking: what
    /// follows overwrites the rest.
    struct Stretch {
        std::array<char, 96> text{};
        std::size_t size = 0;
    };
    /// Before opaque, message id, queue and queue offset; and behind the last.
    struct Form {
        std::array<Stretch, 4> before;
        std::string rest;
    };

    static Form make(Encoding encoding, std::string_view region, bool trace_on);
    static char* put(char* to, const Stretch& stretch);
    char* put_json(char* to, std::int32_t opaque, const MessageId& id, std::int32_t queue,
                   std::int64_t queue_offset) const;
    char* put_binary(char* to, std::int32_t opaque, const MessageId& id, std::int32_t queue,
                     std::int64_t queue_offset) const;

    Form json_, binary_;
};

}  // namespace posthorn::wire::remoting
