#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/log.h"
#include "config.h"

namespace posthorn::server {

/// One line of the operational log, with its newline: for people, or a JSON object.
std::string format_log_line(LogFormat format, std::int64_t wall_ms, LogLevel level, std::string_view area,
                            std::string_view text);

/// Installs the sink the configuration asks for: lines go to stderr.
void install_log_sink(const Config& config);

}  // namespace posthorn::server
