#pragma once

#include <cstddef>
#include <memory>

#include "broker/broker.h"

namespace posthorn::broker {

/// Who waits for one thing, in the order they came. A pointer as long as nobody ever waited. Waiters unlink
/// themselves when they are destroyed; those that are still in a list that goes are no longer waiting.
class WaitList {
  public:
    WaitList() = default;
    WaitList(WaitList&&) = default;
    WaitList& operator=(WaitList&&) = default;
    ~WaitList();

    bool empty() const;
    std::size_t size() const;
    /// To the end of this list, and out of any other.
    void add(Waiter& waiter);
    static void remove(Waiter& waiter);
    /// Tells all who wait now, once; who waits again from inside the call waits for the next time.
    void wake();

  private:
    class End;
    std::unique_ptr<Waiter> end_;  ///< closes the ring: next is the first, prev the last
};

}  // namespace posthorn::broker
