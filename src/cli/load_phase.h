#pragma once

#include <atomic>

namespace posthorn::cli {

/// Where a run stands; set by the thread that watches the clock, read by the loads between two batches.
enum class LoadPhase { warm_up, measure, drain, stop };
using SharedPhase = std::atomic<LoadPhase>;

}  // namespace posthorn::cli
