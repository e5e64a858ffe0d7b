#include "usage.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>

namespace posthorn::cli {

std::optional<int> parse(CLI::App& app, const Arguments& words, std::string_view hint) {
    try {
        app.parse(Arguments(words.rbegin(), words.rend()));  // CLI11 wants them reversed
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() == 0) return app.exit(error);  // --help
        fmt::print(stderr, "{0}: {1}\n  for example: {2}\n  '{0} --help' lists the options\n", app.get_name(),
                   error.what(), hint);
        return exit_usage;
    }
    return std::nullopt;
}

int fail(const CLI::App& app, std::string_view why) {
    fmt::print(stderr, "{}: {}\n", app.get_name(), why);
    return exit_failed;
}

}  // namespace posthorn::cli
