#pragma once

#include <string>

#include "api/metrics.h"

namespace posthorn::exchange {
class Alarms;
class VirtualHosts;
}  // namespace posthorn::exchange
namespace posthorn::gateway::amqp {
class AmqpServer;
}

namespace posthorn::server {

/// What exchanges, queues and the AMQP gateway count, under the names of rabbitmq_prometheus 3.10, summed up
/// over all queues and channels as there. Everything must outlive the source.
api::MetricSource rabbitmq_metrics(const exchange::VirtualHosts& hosts, const exchange::Alarms& alarms,
                                   const gateway::amqp::AmqpServer& amqp, std::string node,
                                   std::string version);

}  // namespace posthorn::server
