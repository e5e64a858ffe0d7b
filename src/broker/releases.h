#pragma once

#include <cstdint>
#include <deque>

#include "core.h"
#include "settled_set.h"

namespace posthorn::broker {

/// Messages that are settled and still counted as live by the logs. A queue of millions may be purged or
/// deleted: its messages are given back so many per tick.
class Releases {
  public:
    explicit Releases(Core& core) : core_(core) {}

    /// One message of a named queue.
    void one(model::QueueId queue, std::uint64_t offset);
    /// All in [begin, end) that are not in `released`: now if they are few, else over the next ticks.
    void add(model::QueueId queue, std::uint64_t begin, std::uint64_t end, SettledSet released = {});
    /// The queue's number may be given again: what is left of it is nobody's.
    void forget(model::QueueId queue);
    /// The next share.
    void some();
    bool empty() const { return waiting_.empty(); }

    /// More than this at once is spread over ticks.
    static constexpr std::uint64_t at_once = 10'000;

  private:
    struct Waiting {
        model::QueueId queue;
        std::uint64_t at, end;
        SettledSet released;
    };

    Core& core_;
    std::deque<Waiting> waiting_;
};

}  // namespace posthorn::broker
