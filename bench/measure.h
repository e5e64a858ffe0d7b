// What every benchmark reads off the thread it runs on: heap allocations and processor time.
#pragma once

#include <cstdint>

namespace posthorn::bench {

/// Heap allocations of the calling thread so far (measure.cc replaces the global operator new).
std::uint64_t allocations() noexcept;

/// User and system time of the calling thread, ns: what "on one core" means where the machine is shared.
double cpu_ns();

/// Time that has passed, ns since some moment.
double wall_ns();

}  // namespace posthorn::bench
