#include "throughput.h"

#include <algorithm>
#include <ctime>

namespace posthorn::gateway::remoting {

namespace {

std::int64_t next_midnight(std::int64_t wall_ms) {
    const std::time_t seconds = wall_ms / 1000;
    std::tm local{};
    localtime_r(&seconds, &local);
    local.tm_mday += 1;
    local.tm_hour = local.tm_min = local.tm_sec = 0;
    local.tm_isdst = -1;
    return std::int64_t{std::mktime(&local)} * 1000;
}

}  // namespace

Throughput::Throughput(std::int64_t steady_ms, std::int64_t wall_ms)
    : next_morning_ms_(next_midnight(wall_ms)) {
    samples_[0].at_ms = steady_ms;
}

void Throughput::sample(const Totals& now, std::int64_t steady_ms, std::int64_t wall_ms) {
    if (wall_ms >= next_morning_ms_) {
        yesterday_morning_ = this_morning_;
        this_morning_ = now;
        next_morning_ms_ = next_midnight(wall_ms);
    }
    if (steady_ms - samples_[newest_ % kSlots].at_ms < kStepMs) return;
    samples_[++newest_ % kSlots] = {steady_ms, now};
}

double Throughput::rate(std::uint64_t Totals::*what, std::uint32_t seconds) const {
    const std::uint32_t steps = std::min({newest_, seconds, kSlots - 1});
    const Sample& newest = samples_[newest_ % kSlots];
    const Sample& oldest = samples_[(newest_ - steps) % kSlots];
    const std::int64_t ms = newest.at_ms - oldest.at_ms;
    if (ms <= 0) return 0;
    return static_cast<double>(newest.totals.*what - oldest.totals.*what) * 1000 / static_cast<double>(ms);
}

}  // namespace posthorn::gateway::remoting
