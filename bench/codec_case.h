// How a codec's benchmark measures one step.
#pragma once

#include <benchmark/benchmark.h>

#include "measure.h"

namespace posthorn::bench {

/// Measures `step` and fails the case when it allocates once warm.
template <class Work>
void measure(benchmark::State& state, Work step) {
    step();
    const std::uint64_t before = allocations();
    for (auto _ : state) {
        step();
    }
    if (allocations() - before > 64) state.SkipWithError("allocates per message");
}

}  // namespace posthorn::bench
