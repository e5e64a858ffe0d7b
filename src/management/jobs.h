#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "runtime/loop.h"

namespace posthorn::management {

/// Long work in slices of a few milliseconds, so that clients of the broker hardly notice: one slice a tick,
/// one piece of work at a time, the others wait in line. What is held in memory for an answer exists so once.
class Jobs {
  public:
    enum class Left {
        nothing,
        more,   ///< in the next tick
        later,  ///< it waits for something: in a millisecond
    };
    /// Does a slice and says what is left.
    using Step = std::function<Left()>;

    explicit Jobs(runtime::Loop& loop) : loop_(loop), self_(std::make_shared<Jobs*>(this)) {}
    ~Jobs() { *self_ = nullptr; }
    Jobs(const Jobs&) = delete;
    Jobs& operator=(const Jobs&) = delete;

    void add(Step step);

  private:
    void post();
    void run();
    void run_later();

    runtime::Loop& loop_;
    std::shared_ptr<Jobs*> self_;  ///< null once this is gone: the loop may still call
    std::deque<Step> waiting_;
    runtime::Timer timer_;
};

}  // namespace posthorn::management
