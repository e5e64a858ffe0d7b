#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/bytes.h"
#include "session.h"
#include "wire/remoting/frame_writer.h"

namespace posthorn::gateway::remoting {

/// What a client said when it was asked; views, valid during the call.
struct Answer {
    std::int32_t code = 0;
    std::string_view remark;
    Bytes body;
};

/// Questions to clients on behalf of tools (running info, consume this, offsets): sent over the client's own
/// connection, answered by it, or given up when it takes too long or leaves.
class Relay {
  public:
    /// `answer` is null when there is none. Called once, maybe after both sessions are gone: it holds
    /// handles.
    using Done = std::function<void(const Answer*)>;

    /// Sends a request; `write` adds its fields and body (see `FrameWriter`). False when too many wait.
    bool ask(Gateway& gateway, Session& client, RequestCode code,
             const std::function<void(wire::FrameWriter&)>& write, Done done);
    void on_answer(Session& client, const wire::Header& header, Bytes body);
    void give_up(std::int64_t now_ms);
    void forget(SessionHandle client);
    std::size_t size() const { return waiting_.size(); }

  private:
    struct Waiting {
        SessionHandle client;
        std::int64_t deadline_ms = 0;
        Done done;
    };
    void take_out(const std::function<bool(const Waiting&)>& which);

    std::unordered_map<std::int32_t, Waiting> waiting_;  // by the opaque we chose
    std::int32_t next_opaque_ = 1 << 30;                 // apart from those of notices
};

}  // namespace posthorn::gateway::remoting
