#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"

namespace posthorn::gateway::amqp {

/// The publishes of a channel in confirm mode: numbered from 1, told as soon as they are known to be kept or
/// lost, in as few frames as possible.
class Confirms {
  public:
    bool on() const { return on_; }
    void select() { on_ = true; }

    /// Number of the publish that is being handled.
    std::uint64_t take() { return next_++; }
    /// These are kept, or (`good` false) refused or lost. Told by the next `write`.
    void done(std::uint64_t first, std::uint64_t last, bool good);
    /// True between `done` and `write`.
    bool fresh() const { return !fresh_.empty(); }
    /// basic.ack and basic.nack frames for everything done since the last call: one ack, "multiple", for what
    /// leaves no gap behind it, one for each other. Returns how many publishes were told of.
    std::uint64_t write(Buffer& out, std::uint16_t channel);

    std::uint64_t unconfirmed() const { return next_ - floor_ - told_ahead_; }

  private:
    struct Range {
        std::uint64_t first, last;
        bool good;
    };
    std::uint8_t& told(std::uint64_t number) { return told_[number & (told_.size() - 1)]; }
    void make_room();
    void tell_ahead(Buffer& out, std::uint16_t channel, std::uint64_t number, bool good);

    bool on_ = false;
    std::uint64_t next_ = 1;   ///< of the next publish
    std::uint64_t floor_ = 1;  ///< the oldest one not told of
    std::uint64_t told_ahead_ = 0;
    std::vector<Range> fresh_;
    std::vector<std::uint8_t> told_;  ///< by number, for those from floor_ on; a power of two, empty if none
};

}  // namespace posthorn::gateway::amqp
