#pragma once

#include "http/router.h"

namespace posthorn::management {

struct Desk;

/// GET /metrics/per-object: what single queues, connections and channels count, in Prometheus' text and under
/// the names RabbitMQ has for it. For everybody, as /metrics is.
void add_object_metrics(http::Router& router, Desk& desk);

}  // namespace posthorn::management
