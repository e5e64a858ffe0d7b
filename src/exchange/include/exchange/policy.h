#pragma once

#include <cstdint>
#include <string>

#include "model/value.h"

namespace posthorn::exchange {

/// Settings for every queue or exchange whose name matches. Of several the one with the highest priority
/// counts; an operator policy is merged in on top and may only make limits smaller.
struct Policy {
    enum class Applies : std::uint8_t { all, queues, classic_queues, quorum_queues, streams, exchanges };
    std::string name;
    std::string pattern;  ///< a regular expression, found anywhere in the name
    Applies applies = Applies::all;
    std::int32_t priority = 0;
    model::Arguments definition;  ///< keys as RabbitMQ's, without "x-"; and `confirm`: "written" or "synced"
};

}  // namespace posthorn::exchange
