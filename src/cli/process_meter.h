#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace posthorn::cli {

/// What processes have used so far, by /proc. User and system time come in clock ticks (10 ms here): measure
/// over seconds.
struct ProcessUsage {
    double user_seconds = 0;
    double system_seconds = 0;
    std::uint64_t resident_bytes = 0;
    std::uint64_t peak_resident_bytes = 0;
};

/// The sum over `processes`. A process that is gone is an error (`Errc::not_found`).
Result<ProcessUsage> usage_of(const std::vector<pid_t>& processes);

/// User and system seconds of a /proc/PID/stat line. The program's name may hold anything, brackets included.
Result<ProcessUsage> parse_stat(std::string_view line, double ticks_per_second);

/// CPU seconds of the calling thread.
double thread_cpu_seconds();

}  // namespace posthorn::cli
