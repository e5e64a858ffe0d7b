#pragma once

#include <optional>

#include "cli/command.h"
#include "load.h"

namespace posthorn::server {

/// Reads the options of a command that takes the whole configuration: `-c FILE`, and a flag per setting.
/// Nothing when the command is to end with `exit_code` (help was printed, or the line was wrong and that was
/// said).
std::optional<Sources> parse_command_line(std::string_view command, std::string_view about,
                                          const cli::Arguments& arguments, int& exit_code);

}  // namespace posthorn::server
