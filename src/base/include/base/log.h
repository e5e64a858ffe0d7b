#pragma once

#include <fmt/core.h>

#include <functional>
#include <string>
#include <string_view>

namespace posthorn {

/// The front of the operational log (the "log" of topics and queues is `store`'s). One line per event; the
/// program installs a sink at start (text or JSON lines, see server); before that lines go to stderr.
/// Any thread may call. Not for the hot path: nothing is logged per message.
enum class LogLevel { debug, info, warn, error };

using LogSink = std::function<void(LogLevel, std::string_view area, std::string_view line)>;
void set_log_sink(LogSink sink);
void set_log_level(LogLevel least);
bool log_enabled(LogLevel level);
void log_line(LogLevel level, std::string_view area, std::string_view line);

/// `log_warn("store", "segment {} cut at {}: torn tail", name, position)`. `area` is the room.
template <class... Args>
void log_debug(std::string_view area, fmt::format_string<Args...> form, Args&&... args) {
    if (log_enabled(LogLevel::debug))
        log_line(LogLevel::debug, area, fmt::format(form, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(std::string_view area, fmt::format_string<Args...> form, Args&&... args) {
    if (log_enabled(LogLevel::info))
        log_line(LogLevel::info, area, fmt::format(form, std::forward<Args>(args)...));
}
template <class... Args>
void log_warn(std::string_view area, fmt::format_string<Args...> form, Args&&... args) {
    if (log_enabled(LogLevel::warn))
        log_line(LogLevel::warn, area, fmt::format(form, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(std::string_view area, fmt::format_string<Args...> form, Args&&... args) {
    log_line(LogLevel::error, area, fmt::format(form, std::forward<Args>(args)...));
}

}  // namespace posthorn
