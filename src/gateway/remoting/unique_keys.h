#pragma once

#include <cstdint>

#include "wire/remoting/message_id.h"

namespace posthorn::gateway::remoting {

/// Ids for messages that come without one of their client's (property UNIQ_KEY), so that every message can
/// be searched by one. Process and start time keep those of two starts apart.
class UniqueKeys {
  public:
    explicit UniqueKeys(std::int64_t wall_ms);
    posthorn::wire::remoting::MessageId next(std::int64_t wall_ms, std::uint32_t host_v4);

  private:
    std::uint16_t process_;
    std::uint32_t instance_;
    std::uint16_t counter_ = 0;
};

}  // namespace posthorn::gateway::remoting
