#include "load_measure.h"

#include <chrono>
#include <random>
#include <thread>

#include "tcp_link.h"

namespace posthorn::cli {
namespace {

std::int64_t after(double seconds) {
    return steady_now() + static_cast<std::int64_t>(seconds * 1e9);
}

Result<std::optional<ProcessUsage>> server_usage(const std::vector<pid_t>& server) {
    if (server.empty()) return std::optional<ProcessUsage>();
    auto usage = usage_of(server);
    if (!usage) return usage.error();
    return std::optional<ProcessUsage>(*usage);
}

}  // namespace

Result<Measured> measure(SharedPhase& phase, double warm_up, double seconds, const std::vector<pid_t>& server,
                         const std::function<bool()>& ended) {
    wait_until(after(warm_up), ended);
    auto before = server_usage(server);
    if (!before) return before.error();
    const std::int64_t start = steady_now();
    phase = LoadPhase::measure;
    wait_until(after(seconds), ended);
    auto usage = server_usage(server);
    const std::int64_t end = steady_now();
    phase = LoadPhase::drain;
    if (!usage) return usage.error();
    return Measured{static_cast<double>(end - start) * 1e-9, *before, *usage};
}

void wait_until(std::int64_t deadline_ns, const std::function<bool()>& so) {
    while (!so() && steady_now() < deadline_ns)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

std::uint64_t random_run() {
    std::random_device entropy;
    return std::uint64_t{entropy()} << 32 | entropy();
}

}  // namespace posthorn::cli
