#include "descriptors.h"

#include <algorithm>

namespace posthorn::server {

std::size_t connections_within(const Config& config, std::uint64_t allowed) {
    constexpr std::uint64_t for_files =
        600;  // two logs keep up to 256 each open; SQLite, sockets and spare ones
    const std::uint64_t others = std::min<std::uint64_t>(for_files + config.http.connections, allowed / 2);
    return static_cast<std::size_t>(
        std::min<std::uint64_t>(allowed - others, config.remoting.connections_max));
}

}  // namespace posthorn::server
