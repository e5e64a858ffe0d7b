#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "model/ids.h"

namespace posthorn::gateway::remoting {

/// Which client of a group may consume a queue in order. A lock not renewed in time is free again; it is on
/// the steady clock, and gone with the process: the clients lock again within 20 s.
class QueueLocks {
  public:
    QueueLocks(std::int64_t timeout_ms, std::size_t limit) : timeout_ms_(timeout_ms), limit_(limit) {}

    /// True if the client has the lock now, newly or still. A new one beyond the limit is nobody's.
    bool lock(std::string_view group, model::QueueId queue, std::string_view client, std::int64_t now_ms);
    void unlock(std::string_view group, model::QueueId queue, std::string_view client);
    void drop_expired(std::int64_t now_ms);
    std::size_t size() const { return locks_.size(); }

  private:
    struct Lock {
        std::string client;
        std::int64_t renewed_ms = 0;
    };
    static std::string key(std::string_view group, model::QueueId queue);

    std::int64_t timeout_ms_;
    std::size_t limit_;
    std::unordered_map<std::string, Lock> locks_;
};

}  // namespace posthorn::gateway::remoting
