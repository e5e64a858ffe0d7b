#pragma once

#include <cstdint>
#include <deque>

#include "base/bytes.h"
#include "session.h"
#include "wire/remoting/header.h"

namespace posthorn::gateway::remoting {

/// Replies to requests that made, changed or deleted a name: they go out when that is durable, in the order
/// they were given. Bounded by the engine, which takes only so many changes at a time.
class HeldReplies {
  public:
    /// Takes back what was put into the session's output from `from` on; it goes out after `change`.
    void hold(Session& session, std::size_t from, wire::ReplyTo reply, std::uint64_t change);
    /// Sends those that have become true, and an error for those that cannot right now.
    void release(Gateway& gateway);
    std::size_t size() const { return held_.size(); }

  private:
    struct Held {
        std::uint64_t change = 0;
        SessionHandle session;
        wire::ReplyTo reply;
        Buffer frame;
    };
    std::deque<Held> held_;
};

}  // namespace posthorn::gateway::remoting
