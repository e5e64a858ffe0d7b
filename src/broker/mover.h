#pragma once

#include <cstdint>

#include "core.h"
#include "delays.h"
#include "readers.h"

namespace posthorn::broker {

/// Moves the few live messages of the queue log's oldest segment to its end, so that the segment can go. A
/// bounded step per tick; what has to come from the disk first is asked for and met again later.
class Mover {
  public:
    Mover(Core& core, Delays& delays, Readers& readers) : core_(core), delays_(delays), readers_(readers) {}

    void step();
    /// There is more to move right now.
    bool busy() const { return moving_ && !held_up_; }

  private:
    void choose();
    /// False when nothing more of this queue lies in the segment.
    bool move_some(model::QueueId queue, int& budget);
    const SettledSet* settled(model::QueueId queue) const;
    void find_live(const store::Record& record);

    Core& core_;
    Delays& delays_;
    Readers& readers_;
    std::vector<store::Place> live_;
    bool moving_ = false;
    bool held_up_ = false;
    store::SegmentInfo segment_;
    std::uint32_t queue_ = 0;   ///< the walk over all queues stands here
    std::uint64_t offset_ = 0;  ///< and here in this queue
    store::Position tried_;     ///< end of a segment that would not empty
    std::int64_t next_choice_ms_ = 0;
};

}  // namespace posthorn::broker
