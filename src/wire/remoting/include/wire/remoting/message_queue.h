#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace posthorn::wire::remoting {

/// One queue of a topic on one broker, as bodies name it.
struct MessageQueue {
    std::string topic;
    std::string broker_name;
    std::int32_t queue_id = 0;
    auto operator<=>(const MessageQueue&) const = default;
};

}  // namespace posthorn::wire::remoting
