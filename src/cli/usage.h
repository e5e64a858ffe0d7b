#pragma once

#include <optional>
#include <string_view>

#include "cli/command.h"

namespace CLI {
class App;
}

namespace posthorn::cli {

/// Reads the words into the app's options. Nothing when all is well; else the command ends with this code:
/// help was asked for and printed, or the line was wrong, and stderr says what about it and what to do.
/// `hint`: a line that works.
std::optional<int> parse(CLI::App& app, const Arguments& words, std::string_view hint);

/// "posthorn bench: why" on stderr; what the command ends with.
int fail(const CLI::App& app, std::string_view why);

}  // namespace posthorn::cli
