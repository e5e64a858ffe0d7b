#pragma once

#include <cstdint>
#include <string>

#include "model/ids.h"

namespace posthorn::model {

/// A consumer group: who reads together, and how patient we are with it.
struct Group {
    GroupId id;
    std::string name;
    bool consume_enabled = true;    ///< false: suspended, pulls are refused
    bool broadcast_enabled = true;  ///< may members read in broadcasting mode
    bool from_min_enabled = true;   ///< a new group may start at the queue's first message
    bool ordered = false;
    std::uint32_t retry_queues = 1;  ///< queues of the group's retry topic
    std::int32_t retry_max = 16;     ///< deliveries after the first before a message is a dead letter
    bool notify_members = true;      ///< tell members when membership changes
    std::string attributes;          ///< protocol's own extras as it wants them back (JSON), not interpreted
};

}  // namespace posthorn::model
