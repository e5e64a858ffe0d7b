#include "log_sink.h"

#include <fmt/core.h>

#include <cstdio>
#include <ctime>

#include "env/clock.h"
#include "http/message.h"

namespace posthorn::server {
namespace {

const char* name(LogLevel level) {
    switch (level) {
        case LogLevel::debug:
            return "debug";
        case LogLevel::info:
            return "info";
        case LogLevel::warn:
            return "warn";
        case LogLevel::error:
            break;
    }
    return "error";
}

/// ISO 8601, UTC, milliseconds.
std::string time_text(std::int64_t wall_ms) {
    const std::time_t seconds = wall_ms / 1000;
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                       parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, wall_ms % 1000);
}

}  // namespace

std::string format_log_line(LogFormat format, std::int64_t wall_ms, LogLevel level, std::string_view area,
                            std::string_view text) {
    if (format == LogFormat::text)
        return fmt::format("{} {:5} {}: {}\n", time_text(wall_ms), name(level), area, text);
    return fmt::format("{{\"time\":\"{}\",\"level\":\"{}\",\"area\":{},\"text\":{}}}\n", time_text(wall_ms),
                       name(level), http::json_quoted(area), http::json_quoted(text));
}

void install_log_sink(const Config& config) {
    set_log_level(config.log_level);
    set_log_sink([format = config.log_format](LogLevel level, std::string_view area, std::string_view text) {
        const std::string line = format_log_line(format, env::SystemClock().wall_ms(), level, area, text);
        std::fwrite(line.data(), 1, line.size(), stderr);
    });
}

}  // namespace posthorn::server
