#include "descriptors.h"

#include <algorithm>
#include <vector>

namespace posthorn::server {
namespace {

std::vector<std::size_t*> doors(Config& config) {
    std::vector<std::size_t*> limits;
#if POSTHORN_WITH_REMOTING
    limits.push_back(&config.remoting.connections_max);
#endif
#if POSTHORN_WITH_AMQP
    if (config.amqp_enabled || with_tls(config)) limits.push_back(&config.amqp.connections_max);
#endif
    return limits;
}

}  // namespace

std::size_t connections_wanted(const Config& config) {
    std::size_t wanted = 0;
#if POSTHORN_WITH_REMOTING
    wanted += config.remoting.connections_max;
#endif
#if POSTHORN_WITH_AMQP
    if (config.amqp_enabled || with_tls(config)) wanted += config.amqp.connections_max;
#endif
    return wanted;
}

std::size_t connections_within(const Config& config, std::uint64_t allowed) {
    constexpr std::uint64_t for_files =
        600;  // two logs keep up to 256 each open; SQLite, sockets and spare ones
    const std::uint64_t others = std::min<std::uint64_t>(for_files + config.http.connections, allowed / 2);
    return static_cast<std::size_t>(std::min<std::uint64_t>(allowed - others, connections_wanted(config)));
}

void cap_connections(Config& config, std::size_t most) {
    if (connections_wanted(config) <= most) return;
    auto limits = doors(config);
    // Who wants little leaves the rest to the others.
    std::sort(limits.begin(), limits.end(),
              [](const std::size_t* a, const std::size_t* b) { return *a < *b; });
    for (std::size_t n = 0; n < limits.size(); ++n) {
        *limits[n] = std::min(*limits[n], most / (limits.size() - n));
        most -= *limits[n];
    }
}

}  // namespace posthorn::server
