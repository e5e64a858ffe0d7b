#pragma once

#include "api/metrics.h"

namespace posthorn::gateway::remoting {
class RemotingServer;
}

namespace posthorn::server {

/// What the RocketMQ gateway counts, under RocketMQ 5's names. The server must outlive the source.
api::MetricSource remoting_metrics(const gateway::remoting::RemotingServer& server);

}  // namespace posthorn::server
