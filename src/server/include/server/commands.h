#pragma once

#include <span>

#include "cli/command.h"

namespace posthorn::server {

/// The commands that need the whole program: `serve`, `doctor`, `certificates`, and `config ...` about what
/// can be set.
std::span<const cli::Command> commands();

}  // namespace posthorn::server
