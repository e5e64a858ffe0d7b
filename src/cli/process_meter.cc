#include "process_meter.h"

#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

namespace posthorn::cli {
namespace {

Result<std::string> read_file(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    if (!file) return Error{Errc::not_found, fmt::format("{} cannot be read: has the process ended?", path)};
    return text.str();
}

std::uint64_t kilobytes_of(const std::string& status, const std::string& key) {
    const std::size_t at = status.find(key);
    return at == std::string::npos ? 0 : std::strtoull(status.c_str() + at + key.size(), nullptr, 10);
}

}  // namespace

Result<ProcessUsage> parse_stat(std::string_view line, double ticks_per_second) {
    constexpr int kFieldsBeforeUser = 11;  // after the name: state ppid pgrp ... cmajflt
    const std::size_t name_end = line.rfind(')');
    if (name_end == std::string_view::npos) return Error{Errc::invalid, "no stat line of a process"};
    std::istringstream rest{std::string(line.substr(name_end + 1))};
    std::string skipped;
    for (int field = 0; field < kFieldsBeforeUser; ++field)
        rest >> skipped;
    double user = 0;
    double system = 0;
    if (!(rest >> user >> system)) return Error{Errc::invalid, "a stat line without times"};
    return ProcessUsage{user / ticks_per_second, system / ticks_per_second, 0, 0};
}

Result<ProcessUsage> usage_of(const std::vector<pid_t>& processes) {
    ProcessUsage sum;
    for (const pid_t process : processes) {
        auto stat = read_file(fmt::format("/proc/{}/stat", process));
        if (!stat) return stat.error();
        auto times = parse_stat(*stat, static_cast<double>(sysconf(_SC_CLK_TCK)));
        if (!times) return times.error();
        auto status = read_file(fmt::format("/proc/{}/status", process));
        if (!status) return status.error();
        sum.user_seconds += times->user_seconds;
        sum.system_seconds += times->system_seconds;
        sum.resident_bytes += 1024 * kilobytes_of(*status, "VmRSS:");
        sum.peak_resident_bytes += 1024 * kilobytes_of(*status, "VmHWM:");
    }
    return sum;
}

double thread_cpu_seconds() {
    timespec used{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

}  // namespace posthorn::cli
