#pragma once

#include <cstdint>
#include <functional>

#include "api/metrics.h"
#include "model/ids.h"

namespace posthorn::broker {
class Broker;
}

namespace posthorn::api {

/// Where a group's next pull of the queue with this number begins: what lies before and is not consumed is in
/// its members' hands. A gateway knows; 0 when it does not.
using PulledTo =
    std::function<std::uint64_t(model::GroupId group, model::TopicId topic, std::uint32_t queue)>;

/// What the engine counts: storage, lag, timers, refusals, its logs. The broker must outlive the source.
MetricSource broker_metrics(broker::Broker& broker, PulledTo pulled_to = {});

}  // namespace posthorn::api
