#pragma once

#include <cstddef>
#include <cstdint>

#include "api/metrics.h"

namespace posthorn::api {

/// Of this process; 0 if it cannot be known.
std::size_t open_descriptors();

/// The process itself, under the names every Prometheus dashboard knows. `started_wall_ms`: when it began.
MetricSource process_metrics(std::int64_t started_wall_ms);

}  // namespace posthorn::api
