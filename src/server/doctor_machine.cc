#include <fmt/core.h>
#include <sys/resource.h>
#include <sys/timex.h>
#include <sys/utsname.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>

#include "descriptors.h"
#include "doctor.h"
#include "env/clock.h"

namespace posthorn::server {
namespace {

constexpr double kMebi = 1024.0 * 1024.0;

std::optional<std::uint64_t> number_in(const char* path) {
    std::ifstream file(path);
    std::uint64_t value = 0;
    if (file >> value) return value;
    return std::nullopt;
}

Finding examine_descriptors(const Config& config) {
    const std::string check = "file descriptors";
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY)
        return {Verdict::good, check, "no limit", {}};
    const auto connections = connections_within(config, limit.rlim_max);
    const std::string found = fmt::format("{} are allowed, so {} connections", limit.rlim_max, connections);
    constexpr std::size_t few = 1'000;
    if (connections >= connections_wanted(config) || connections >= few)
        return {Verdict::good, check, found, {}};
    return {limit.rlim_max < descriptors_min ? Verdict::bad : Verdict::warning, check, found,
            "raise the hard limit: 'ulimit -Hn', LimitNOFILE= of systemd, or the container's ulimits"};
}

Finding examine_file_size(const Config& config) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY ||
        limit.rlim_cur >= std::max(config.engine.stream_segment_bytes, config.engine.queue_segment_bytes))
        return {Verdict::good, "file size", "segments may be as large as they are", {}};
    return {Verdict::bad, "file size",
            fmt::format("files may have {} bytes, segments are larger", limit.rlim_cur),
            "'ulimit -f unlimited', or smaller segments (store.stream_segment, store.queue_segment)"};
}

/// What this process may still take: the machine's free memory, or what its control group leaves.
std::uint64_t memory_left() {
    std::uint64_t left = std::numeric_limits<std::uint64_t>::max();
    std::ifstream info("/proc/meminfo");
    for (std::string line; std::getline(info, line);) {
        unsigned long long kib = 0;
        if (std::sscanf(line.c_str(), "MemAvailable: %llu kB", &kib) == 1) left = kib * 1024;
    }
    const auto most = number_in("/sys/fs/cgroup/memory.max"),
               now = number_in("/sys/fs/cgroup/memory.current");
    if (most) left = std::min(left, *most - std::min(*most, now.value_or(0)));
    return left;
}

Finding examine_memory(const Config& config) {
    // The program itself, both tails, and cold blocks of both logs.
    constexpr std::uint64_t program = 64ull << 20;
    const std::uint64_t needed = program + config.engine.stream_tail_bytes + config.engine.queue_tail_bytes +
                                 2 * config.engine.cold_bytes;
    const std::uint64_t left = memory_left();
    const std::string found =
        fmt::format("{:.0f} MiB can be had, about {:.0f} are used when busy",
                    static_cast<double>(left) / kMebi, static_cast<double>(needed) / kMebi);
    if (left >= needed) return {Verdict::good, "memory", found, {}};
    return {Verdict::warning, "memory", found,
            "free some, or make store.stream_tail, store.queue_tail and store.cold smaller"};
}

Finding examine_clock() {
    constexpr std::int64_t year_2024 = 1'704'067'200'000;
    if (env::SystemClock().wall_ms() < year_2024)
        return {Verdict::bad, "clock", "the clock stands before 2024",
                "set it: delays, retention and message ids go by it"};
    timex state{};
    const int answer = ::adjtimex(&state);
    if (answer < 0) return {Verdict::good, "clock", "it goes; whether it is synchronised is not known", {}};
    if (answer == TIME_ERROR || (state.status & STA_UNSYNC))
        return {Verdict::warning, "clock", "it is not synchronised with others",
                "run chrony, ntpd or systemd-timesyncd: delays and retention go by this clock"};
    return {Verdict::good, "clock", "it is synchronised", {}};
}

/// Data written under a later clock: nothing is lost, but its time does not come for a while.
void examine_clock_against(const Config& config, Findings& findings) {
    namespace fs = std::filesystem;
    std::error_code trouble;
    const auto written = fs::last_write_time(config.data_directory + "/log/stream", trouble);
    if (trouble) return;
    const auto ahead =
        std::chrono::duration_cast<std::chrono::minutes>(written - fs::file_time_type::clock::now());
    if (ahead > std::chrono::minutes(1))
        findings.push_back({Verdict::warning, "clock",
                            fmt::format("the data directory was written {} minutes from now", ahead.count()),
                            "was the clock set back? messages keep the later times, delays wait for them"});
}

Finding examine_kernel() {
    utsname system{};
    int major = 0, minor = 0;
    if (::uname(&system) != 0 || std::sscanf(system.release, "%d.%d", &major, &minor) != 2)
        return {Verdict::warning, "kernel", "its version is not known", "Linux 4.14 or newer is needed"};
    const std::string found = fmt::format("Linux {}", system.release);
    if (major > 4 || (major == 4 && minor >= 14)) return {Verdict::good, "kernel", found, {}};
    return {Verdict::warning, "kernel", found, "Linux 4.14 or newer reads cached data without waiting"};
}

Finding examine_backlog() {
    constexpr std::uint64_t usual = 512;
    const auto most = number_in("/proc/sys/net/core/somaxconn");
    if (!most) return {Verdict::good, "listen backlog", "not known", {}};
    const std::string found = fmt::format("{} connections may wait to be accepted", *most);
    if (*most >= usual) return {Verdict::good, "listen backlog", found, {}};
    return {Verdict::warning, "listen backlog", found,
            "sysctl net.core.somaxconn=4096, so that many clients may come back at once"};
}

}  // namespace

void examine_machine(const Config& config, Findings& findings) {
    findings.push_back(examine_descriptors(config));
    findings.push_back(examine_file_size(config));
    findings.push_back(examine_memory(config));
    findings.push_back(examine_clock());
    examine_clock_against(config, findings);
    findings.push_back(examine_kernel());
    findings.push_back(examine_backlog());
}

}  // namespace posthorn::server
