#include "api/process_metrics.h"

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>

#include "env/posix_files.h"

namespace posthorn::api {
namespace {

double seconds(const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

struct Memory {
    double virtual_bytes = 0, resident_bytes = 0;
};

/// The first two numbers of /proc/self/statm, in pages.
Memory memory(env::Files& proc) {
    auto file = proc.open("statm", env::OpenMode::read);
    if (!file) return {};
    char text[128] = {};
    const auto read = (*file)->read_at(0, std::as_writable_bytes(std::span(text)));
    if (!read) return {};
    std::uint64_t pages[2] = {};
    const char* at = text;
    for (std::uint64_t& count : pages)
        at = std::from_chars(at, std::end(text), count).ptr + 1;
    const auto page = static_cast<double>(::sysconf(_SC_PAGESIZE));
    return {static_cast<double>(pages[0]) * page, static_cast<double>(pages[1]) * page};
}

}  // namespace

std::size_t open_descriptors() {
    const auto descriptors = env::PosixFiles("/proc/self").list("fd");
    return descriptors ? descriptors->size() : 0;
}

MetricSource process_metrics(std::int64_t started_wall_ms) {
    return [started_wall_ms](Exposition& out) {
        rusage usage{};
        ::getrusage(RUSAGE_SELF, &usage);
        out.counter("process_cpu_seconds_total", "User and system CPU time",
                    seconds(usage.ru_utime) + seconds(usage.ru_stime));
        env::PosixFiles proc("/proc/self");
        const Memory used = memory(proc);
        out.gauge("process_virtual_memory_bytes", "Virtual memory", used.virtual_bytes);
        out.gauge("process_resident_memory_bytes", "Resident memory", used.resident_bytes);
        out.gauge("process_open_fds", "Open file descriptors", static_cast<double>(open_descriptors()));
        rlimit limit{};
        ::getrlimit(RLIMIT_NOFILE, &limit);
        out.gauge("process_max_fds", "File descriptors allowed", static_cast<double>(limit.rlim_cur));
        out.gauge("process_start_time_seconds", "When the process began, in seconds since 1970",
                  static_cast<double>(started_wall_ms) / 1000);
    };
}

}  // namespace posthorn::api
