#pragma once

#include <poll.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tcp_link.h"

namespace posthorn::cli {

/// Waits for one of several links: for input always, for room where output is left.
class PollSet {
  public:
    void clear() { fds_.clear(); }
    void add(const TcpLink& link) {
        fds_.push_back({link.fd(), static_cast<short>(link.unsent() ? POLLIN | POLLOUT : POLLIN), 0});
    }
    /// At most so long; to the microsecond, because a load's rate hangs on it.
    void wait(std::int64_t nanoseconds);
    bool readable(std::size_t index) const { return (fds_[index].revents & ~POLLOUT) != 0; }

  private:
    std::vector<pollfd> fds_;
};

}  // namespace posthorn::cli
