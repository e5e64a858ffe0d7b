#pragma once

#include <cstdint>

#include "base/strong.h"

namespace posthorn::model {

/// One queue of one topic, or one named queue. Given once, never reused: records of a deleted queue keep
/// naming nobody. 0 is no queue.
using QueueId = Strong<struct QueueIdTag, std::uint32_t>;

/// The place of a message in its queue: 0, 1, 2, ... without gaps, for as long as the queue exists.
using QueueOffset = Strong<struct QueueOffsetTag, std::uint64_t>;

/// Given once, never reused. 0 is nobody.
using TopicId = Strong<struct TopicIdTag, std::uint32_t>;
using GroupId = Strong<struct GroupIdTag, std::uint32_t>;

}  // namespace posthorn::model
