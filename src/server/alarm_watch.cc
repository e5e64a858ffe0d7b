#include "alarm_watch.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <utility>

namespace posthorn::server {
namespace {

constexpr std::chrono::seconds kInterval{1};

std::uint64_t page_bytes() {
    return static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t memory_of_machine() {
    return static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) * page_bytes();
}

/// 0 where the system does not say.
std::uint64_t memory_of_process() {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t whole = 0, resident = 0;
    statm >> whole >> resident;
    return resident * page_bytes();
}

}  // namespace

AlarmWatch::AlarmWatch(runtime::Loop& loop, env::PosixFiles& files, exchange::Alarms& alarms,
                       double memory_ratio, std::uint64_t disk_free_bytes, double disk_refuse_ratio,
                       std::function<bool()> disk_refuses)
    : loop_(loop), files_(files), alarms_(alarms), disk_refuses_(std::move(disk_refuses)) {
    exchange::Alarms::Limits limits;
    limits.memory_bytes = static_cast<std::uint64_t>(memory_ratio * static_cast<double>(memory_of_machine()));
    limits.disk_free_bytes = disk_free_bytes;
    if (const auto disk = files.disk_space())
        limits.disk_free_bytes = std::max(
            disk_free_bytes,
            static_cast<std::uint64_t>((1.0 - disk_refuse_ratio) * static_cast<double>(disk->total)));
    alarms_.set_limits(limits);
    observe();
}

void AlarmWatch::observe() {
    const auto disk = files_.disk_space();
    alarms_.observe(memory_of_process(), disk ? disk->free : alarms_.disk_free_bytes(), disk_refuses_());
    timer_ = loop_.after(kInterval, [this] { observe(); });
}

}  // namespace posthorn::server
