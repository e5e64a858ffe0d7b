#include "config_commands.h"

#include <fmt/core.h>

#include "command_line.h"
#include "settings.h"

namespace posthorn::server {

int run_config_show(const cli::Arguments& arguments) {
    int exit_code = cli::exit_good;
    const auto sources = parse_command_line("config show", "Prints the configuration that would be in force.",
                                            arguments, exit_code);
    if (!sources) return exit_code;
    const auto loaded = load_config(*sources);
    if (!loaded) {
        fmt::print(stderr, "posthorn: {}\n", loaded.error().message);
        return cli::exit_failed;
    }
    for (const Note& note : loaded.value().notes)
        fmt::print(stderr, "{}\n", note.text);
    std::string_view section;
    for (const Setting& setting : settings()) {
        const auto dot = setting.key.find('.');
        if (setting.key.substr(0, dot) != section) {
            section = setting.key.substr(0, dot);
            fmt::print("{}:\n", section);
        }
        fmt::print("  {}: \"{}\"\n", setting.key.substr(dot + 1), setting.show(loaded.value().config));
    }
    return cli::exit_good;
}

int run_config_table(const cli::Arguments&) {
    fmt::print("{}", settings_table());
    return cli::exit_good;
}

}  // namespace posthorn::server
