#pragma once

#include <cstdint>
#include <vector>

namespace posthorn::gateway::amqp {

/// Whether a client has sat on a delivery for too long. Deliveries carry no time: at every look it notes
/// which tag is the next one, so whatever is below a note of long ago was delivered before it. A delivery is
/// found overdue late by one interval between looks at most.
class AckWatch {
  public:
    /// `oldest`: the lowest tag that is not settled; `next`: the one the next delivery gets.
    bool overdue(std::int64_t now_ms, std::int64_t timeout_ms, std::uint64_t oldest, std::uint64_t next);
    /// Nothing is unsettled.
    void rest() { notes_.clear(); }

  private:
    struct Note {
        std::int64_t at_ms;
        std::uint64_t next;
    };
    std::vector<Note> notes_;  ///< in time; as many as there are looks in one timeout, and one
};

}  // namespace posthorn::gateway::amqp
