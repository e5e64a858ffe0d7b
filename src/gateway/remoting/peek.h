#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "broker/broker.h"
#include "session.h"

/// Looks at single messages, for people and tools: blocks on the disk when a message is cold.
namespace posthorn::gateway::remoting {

/// Store time of one message (of the queue's first, without an offset); -1 when it is not there.
std::int64_t store_time_of(Gateway& gateway, model::QueueId queue, std::optional<model::QueueOffset> offset);

/// The message at a place as a client gets it. Errc::not_found when none begins there.
Result<std::string> copy_message(Gateway& gateway, const Session& session, Place place);

}  // namespace posthorn::gateway::remoting
