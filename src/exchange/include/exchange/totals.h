#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace posthorn::exchange {

class VirtualHost;
class VirtualHosts;

/// How many messages died, since the process began, by `DeathReason`: without a dead letter exchange, and
/// with one. A rejection that puts back is no death.
struct DeathCounts {
    using ByReason = std::array<std::uint64_t, 4>;
    ByReason dropped{}, dead_lettered{};
};
const DeathCounts& deaths(const VirtualHosts& hosts, bool in_quorum_queues);

std::size_t queue_count(const VirtualHost& host);
std::size_t exchange_count(const VirtualHost& host);

}  // namespace posthorn::exchange
