#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "core.h"
#include "delays.h"
#include "readers.h"

namespace posthorn::broker {

/// Moves the few live messages of an old segment of the queue log to its end, so that the segment can go: of
/// the oldest in which so few live that it is worth it. A bounded step per tick; what has to come from the
/// disk first is asked for and met again later.
class Mover {
  public:
    Mover(Core& core, Delays& delays, Readers& readers) : core_(core), delays_(delays), readers_(readers) {}

    void step();
    /// There is more to move right now.
    bool busy() const { return moving_ && !held_up_; }

  private:
    void choose();
    bool worth_it(const store::SegmentInfo& segment) const;
    /// The rest of the run that is being walked, as far as the budget goes.
    void move_some(const store::Log::Run& run, int& budget);
    /// False while it has to come from the disk, or finds no room.
    bool move(model::QueueId queue, std::uint64_t offset);
    const SettledSet* settled(model::QueueId queue) const;
    void find_live(const store::Record& record);

    Core& core_;
    Delays& delays_;
    Readers& readers_;
    std::vector<store::Place> live_;
    bool moving_ = false;
    bool held_up_ = false;
    store::SegmentInfo segment_;
    std::vector<store::Log::Run> runs_;  ///< what lies in it
    std::size_t run_ = 0;                ///< the walk stands here
    std::uint64_t offset_ = 0;           ///< and here in this run
    /// How many lived on in segments that would not empty, by their begin: tried again when fewer do.
    std::map<store::Position, std::uint64_t> tried_;
    std::int64_t next_choice_ms_ = 0;
};

}  // namespace posthorn::broker
