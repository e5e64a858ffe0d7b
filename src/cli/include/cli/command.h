#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace posthorn::cli {

/// What the words after the command's name were. Plain strings, so that a command can be called from a test.
using Arguments = std::vector<std::string>;

/// Exit codes every command keeps to.
inline constexpr int exit_good = 0;
inline constexpr int exit_failed = 1;  ///< it was understood and did not succeed; stderr says why
inline constexpr int exit_usage = 2;   ///< the command line was not understood

/// One command of the program: `posthorn <name> ...`. A name may have several words ("log dump"); the longest
/// name that fits the command line wins. `run` writes results to stdout, troubles to stderr, and returns an
/// exit code; `--help` is its own affair (CLI11 does it).
struct Command {
    std::string_view name;
    std::string_view summary;  ///< one line for `posthorn help`
    int (*run)(const Arguments& arguments);
};

/// The commands of this room, one file each, listed in commands.cc.
std::span<const Command> commands();

/// Finds the command in `tables` and runs it; `help`, no words at all and unknown words are answered here.
int dispatch(std::span<const std::span<const Command>> tables, const Arguments& words);

}  // namespace posthorn::cli
