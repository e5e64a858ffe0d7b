#pragma once

#include <cstdint>

#include "config.h"

namespace posthorn::server {

/// With fewer file descriptors none are left for clients once the logs, the definitions and the doors have
/// theirs.
inline constexpr std::uint64_t descriptors_min = 64;

/// Connections the configuration allows, over the doors of all protocols that are open.
std::size_t connections_wanted(const Config& config);

/// How many of these `allowed` file descriptors leave. Connections never take those of the files: a log that
/// cannot open its next segment is worse than a client that is turned away.
std::size_t connections_within(const Config& config, std::uint64_t allowed);

/// At most so many over all doors: each may have its share where they would not do for all.
void cap_connections(Config& config, std::size_t most);

}  // namespace posthorn::server
