#include "base/log.h"

#include <atomic>
#include <cstdio>
#include <mutex>

namespace posthorn {
namespace {

std::mutex sink_mutex;  // guards `sink`; held while a line is handed over, so a sink sees one line at a time
LogSink sink;
std::atomic<LogLevel> least_level{LogLevel::info};

}  // namespace

void set_log_sink(LogSink next) {
    std::lock_guard lock(sink_mutex);
    sink = std::move(next);
}

void set_log_level(LogLevel least) {
    least_level.store(least, std::memory_order_relaxed);
}

bool log_enabled(LogLevel level) {
    return level >= least_level.load(std::memory_order_relaxed);
}

void log_line(LogLevel level, std::string_view area, std::string_view line) {
    std::lock_guard lock(sink_mutex);
    if (sink) {
        sink(level, area, line);
    } else {
        static constexpr const char* names[] = {"debug", "info", "warn", "error"};
        std::fprintf(stderr, "%s %.*s: %.*s\n", names[static_cast<int>(level)], static_cast<int>(area.size()),
                     area.data(), static_cast<int>(line.size()), line.data());
    }
}

}  // namespace posthorn
