#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/result.h"
#include "load_phase.h"
#include "process_meter.h"

namespace posthorn::cli {

/// What a load program asks of the clock and of /proc.
struct Measured {
    double seconds = 0;
    std::optional<ProcessUsage> server_before, server_after;
};

/// Leads the loads through warm-up and measuring to draining. Ends early when `ended` says that a load has,
/// by an error or because all is done. `server`: processes to look at; may be none.
Result<Measured> measure(SharedPhase& phase, double warm_up, double seconds, const std::vector<pid_t>& server,
                         const std::function<bool()>& ended);

/// Sleeps until it is so, or until `deadline_ns` of the steady clock.
void wait_until(std::int64_t deadline_ns, const std::function<bool()>& so);

/// Names a run, so that its messages are told from those of older ones.
std::uint64_t random_run();

}  // namespace posthorn::cli
