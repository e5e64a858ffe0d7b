#pragma once

#include <functional>
#include <vector>

#include "api/exposition.h"
#include "http/router.h"

namespace posthorn::api {

/// Something that counts: writes its families, whole ones, when asked. Called on the thread where the
/// handlers run.
using MetricSource = std::function<void(Exposition&)>;

/// GET /metrics: every source in order.
void add_metrics(http::Router& router, Node node, std::vector<MetricSource> sources);

}  // namespace posthorn::api
