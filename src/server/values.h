#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::server {

// How values are written in configuration files, flags and variables. Errors say what would be right.

Result<std::uint64_t> parse_count(std::string_view text);
/// "1048576", "64 MiB", "4k" (1024 each; KB, MB, GB mean the same, as RocketMQ's users expect).
Result<std::uint64_t> parse_bytes(std::string_view text);
/// Milliseconds: "500 ms", "10s", "5m", "72h", "3d"; a number alone is milliseconds.
Result<std::int64_t> parse_time(std::string_view text);
/// "0.75" or "75%".
Result<double> parse_ratio(std::string_view text);
/// true/false, yes/no, on/off, 1/0.
Result<bool> parse_switch(std::string_view text);

// The shortest text the parsers above read back as the same value.
std::string show_bytes(std::uint64_t bytes);
std::string show_time(std::int64_t ms);

}  // namespace posthorn::server
