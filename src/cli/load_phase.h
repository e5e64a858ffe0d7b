#pragma once

#include <atomic>

namespace posthorn::cli {

/// Where a run stands; set by the thread that watches the clock, read by the loads between two batches.
enum class LoadPhase { warm_up, measure, drain, stop };
using SharedPhase = std::atomic<LoadPhase>;

/// The phase as one load sees it, and the CPU time its thread spent measuring. One thread.
class PhaseWatch {
  public:
    explicit PhaseWatch(const SharedPhase& shared) : shared_(shared) {}

    void look();
    bool measuring() const { return phase_ == LoadPhase::measure; }
    bool draining() const { return phase_ >= LoadPhase::drain; }  ///< nothing new is to be sent
    bool stopped() const { return phase_ == LoadPhase::stop; }
    /// Good after measuring, and when the load ends while it measures.
    double cpu_seconds() const;

  private:
    const SharedPhase& shared_;
    LoadPhase phase_ = LoadPhase::warm_up;
    double cpu_seconds_ = 0;  ///< while measuring: less what the thread had used before
};

}  // namespace posthorn::cli
