#pragma once

#include <cstdint>
#include <deque>

#include "base/bytes.h"
#include "handles.h"
#include "wire/amqp/methods.h"

namespace posthorn::gateway::amqp {

namespace wire = posthorn::wire::amqp;

struct Gateway;
class Channel;

/// Answers to methods that declared, bound or deleted something durable: they go out when that is durable, in
/// the order they were given. Other channels go on; on its own channel nothing that has an answer is done
/// before (`Channel::must_wait`). Bounded by the engine, which takes only so many changes at a time.
class HeldReplies {
  public:
    /// Takes back what was put into `out` from `from` on (nothing, if the client wanted no answer).
    void hold(Channel& channel, wire::MethodCode method, Buffer& out, std::size_t from, std::uint64_t change);
    /// Sends those that have become true; those that cannot close their channel or connection.
    void release(Gateway& gateway);
    std::size_t size() const { return held_.size(); }

  private:
    struct Held {
        std::uint64_t change = 0;
        Handle channel;
        wire::MethodCode method{};
        Buffer frame;
    };
    std::deque<Held> held_;
};

}  // namespace posthorn::gateway::amqp
