#include "unique_keys.h"

#include <unistd.h>

namespace posthorn::gateway::remoting {

UniqueKeys::UniqueKeys(std::int64_t wall_ms)
    : process_(static_cast<std::uint16_t>(::getpid())), instance_(static_cast<std::uint32_t>(wall_ms)) {}

posthorn::wire::remoting::MessageId UniqueKeys::next(std::int64_t wall_ms, std::uint32_t host_v4) {
    return posthorn::wire::remoting::make_unique_key({.address = host_v4,
                                                      .process = process_,
                                                      .instance = instance_,
                                                      .milliseconds = static_cast<std::uint32_t>(wall_ms),
                                                      .counter = counter_++});
}

}  // namespace posthorn::gateway::remoting
