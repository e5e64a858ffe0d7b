#include "poll_set.h"

#include <algorithm>
#include <ctime>

namespace posthorn::cli {

void PollSet::wait(std::int64_t nanoseconds) {
    const std::int64_t ns = std::max<std::int64_t>(nanoseconds, 0);
    const timespec limit{ns / 1'000'000'000, ns % 1'000'000'000};
    if (ppoll(fds_.data(), fds_.size(), &limit, nullptr) >= 0) return;
    for (pollfd& fd : fds_)
        fd.revents = POLLIN;  // interrupted: whoever reads without waiting finds out
}

}  // namespace posthorn::cli
