#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/ids.h"

namespace posthorn::model {

/// What clients may do with a topic. Bits as RocketMQ counts them, because users type these numbers.
struct Permission {
    static constexpr std::uint32_t inherit_bit = 1, write_bit = 2, read_bit = 4;
    std::uint32_t bits = read_bit | write_bit;

    bool readable() const { return bits & read_bit; }
    bool writable() const { return bits & write_bit; }
    bool inherited() const { return bits & inherit_bit; }
    bool operator==(const Permission&) const = default;
};

/// A named set of queues read by offset. The queue with number n (0-based, what clients call queueId) is
/// `queues[n]`; `queues` only grows, so a topic that was shrunk and grown again finds its old queues.
struct Topic {
    TopicId id;
    std::string name;
    std::uint32_t read_queues = 0;   ///< clients read numbers below this
    std::uint32_t write_queues = 0;  ///< and send to numbers below this
    Permission permission;
    bool ordered = false;
    std::uint32_t system_flag = 0;  ///< carried for clients (topicSysFlag), not interpreted
    std::string attributes;         ///< protocol's own extras as it wants them back (JSON), not interpreted
    std::vector<QueueId> queues;
};

/// Names of topics and groups: letters, digits, `%`, `_`, `-`, `|`, as the original allows.
bool legal_name(std::string_view name);

}  // namespace posthorn::model
