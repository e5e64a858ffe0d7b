#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "model/group.h"
#include "model/topic.h"
#include "peek.h"
#include "wire/remoting/bodies.h"

/// How far groups are, as tools look at it.
namespace posthorn::gateway::remoting {

/// The topics a group has progress in, as far as they still are.
std::set<std::string> topics_with_progress(Gateway& gateway, model::GroupId group);

/// Members say in their heartbeats what they read; what the group read at some other time does not count
/// then.
bool not_subscribed(const Gateway& gateway, std::string_view group, std::string_view topic);

std::uint64_t progress_or_zero(const Gateway& gateway, model::GroupId group, model::QueueId queue);

/// Offsets of every queue of the topic, and how many messages per second the group was handed.
wire::ConsumeStats consume_stats(StoreTimes& times, const model::Group& group, const model::Topic& topic);

}  // namespace posthorn::gateway::remoting
