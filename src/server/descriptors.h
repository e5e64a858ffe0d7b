#pragma once

#include <cstdint>

#include "config.h"

namespace posthorn::server {

/// How many RocketMQ connections `allowed` file descriptors leave, at most as many as are configured.
/// Connections never take those of the files: a log that cannot open its next segment is worse than a client
/// that is turned away.
std::size_t connections_within(const Config& config, std::uint64_t allowed);

}  // namespace posthorn::server
