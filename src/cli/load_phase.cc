#include "load_phase.h"

#include "process_meter.h"

namespace posthorn::cli {

void PhaseWatch::look() {
    const LoadPhase phase = shared_.load(std::memory_order_relaxed);
    if (phase == phase_) return;
    if (phase == LoadPhase::measure) cpu_seconds_ -= thread_cpu_seconds();
    if (phase_ == LoadPhase::measure) cpu_seconds_ += thread_cpu_seconds();
    phase_ = phase;
}

double PhaseWatch::cpu_seconds() const {
    return measuring() ? cpu_seconds_ + thread_cpu_seconds() : cpu_seconds_;
}

}  // namespace posthorn::cli
