#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "broker/broker.h"
#include "session.h"

/// Looks at single messages, for people and tools.
namespace posthorn::gateway::remoting {

/// When messages were stored. Asks for all that is wanted first and parks the call then, if something was
/// `loading`, so that the disk brings it together.
struct StoreTimes {
    Gateway& gateway;
    bool loading = false;
    /// Of one message (of the queue's first, without an offset); -1 when it is not there, or not yet.
    std::int64_t of(model::QueueId queue, std::optional<model::QueueOffset> offset);
};

/// The message at a place as a client gets it. Errc::not_found when none begins there, Errc::loading while it
/// comes from the disk (see `Call::park`).
Result<std::string> copy_message(Gateway& gateway, const Session& session, Place place);

}  // namespace posthorn::gateway::remoting
