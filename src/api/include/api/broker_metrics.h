#pragma once

#include "api/metrics.h"

namespace posthorn::broker {
class Broker;
}

namespace posthorn::api {

/// What the engine counts: storage, lag, timers, refusals, its logs. The broker must outlive the source.
MetricSource broker_metrics(const broker::Broker& broker);

}  // namespace posthorn::api
