#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "broker/broker.h"
#include "runtime/loop.h"

namespace posthorn::management {

/// Publishes whose promise is not kept yet. Looked at every millisecond while there are any: nobody sends
/// much through this door.
class Promises {
  public:
    /// Each holds a request that waits; more than there may be connections is never reached.
    static constexpr std::size_t waiting_max = 1'024;

    Promises(runtime::Loop& loop, broker::Broker& broker) : loop_(loop), broker_(broker) {}

    bool full() const { return waiting_.size() >= waiting_max; }
    /// `done` hears whether the promise was kept; perhaps at once.
    void wait(const broker::Receipt& receipt, bool must_sync, std::function<void(bool kept)> done);

  private:
    struct Waiting {
        broker::Receipt receipt;
        bool must_sync;
        std::function<void(bool)> done;
    };
    void look();

    runtime::Loop& loop_;
    broker::Broker& broker_;
    std::vector<Waiting> waiting_;
    runtime::Timer timer_;
};

}  // namespace posthorn::management
