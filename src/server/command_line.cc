#include "command_line.h"

#include <fmt/core.h>

#include <CLI/CLI.hpp>
#include <deque>

#include "perhaps_meant.h"
#include "settings.h"

namespace posthorn::server {
namespace {

/// Options are shown by the part of their key before the dot.
std::string group_of(const Setting& setting) {
    return std::string(setting.key.substr(0, setting.key.find('.')));
}

/// The setting "--its-flag=" is meant for.
const Setting* setting_of_flag(std::string_view word) {
    word.remove_suffix(1);
    for (const Setting& setting : settings())
        if (setting.flag() == word) return &setting;
    return nullptr;
}

}  // namespace

std::optional<Sources> parse_command_line(std::string_view command, std::string_view about,
                                          const cli::Arguments& arguments, int& exit_code) {
    Sources sources;
    sources.environment = posthorn_environment();

    CLI::App app{std::string(about), "posthorn " + std::string(command)};
    app.get_formatter()->column_width(36);
    app.footer(
        "Every option is also a key of the YAML file and an environment variable: docs/configuration.md");
    app.add_option("-c,--config", sources.files,
                   "configuration file, YAML or RocketMQ's broker.conf or namesrv.conf; may be repeated");
    std::deque<std::string> values;  // keeps its elements where they are
    std::vector<std::pair<CLI::Option*, const Setting*>> options;
    const Config defaults;
    for (const Setting& setting : settings()) {
        auto* option = app.add_option(setting.flag(), values.emplace_back(), std::string(setting.about));
        option->group(group_of(setting))->type_name("")->default_str(setting.show(defaults));
        options.emplace_back(option, &setting);
    }
    const auto refuse = [&](const std::string& why) -> std::optional<Sources> {
        fmt::print(stderr, "posthorn {}: {}\n  'posthorn {} --help' lists the options\n", command, why,
                   command);
        exit_code = cli::exit_usage;
        return {};
    };
    // "--flag=" is an empty value to everybody but CLI11.
    cli::Arguments words;
    for (const std::string& word : arguments) {
        const Setting* const emptied = word.ends_with('=') ? setting_of_flag(word) : nullptr;
        if (emptied != nullptr)
            sources.flags.emplace_back(emptied->key, "");
        else
            words.push_back(word);
    }
    app.allow_extras();  // they are refused below, in our words
    try {
        app.parse(std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 wants them reversed
    } catch (const CLI::ParseError& error) {
        if (error.get_exit_code() != 0) return refuse(error.what());
        exit_code = app.exit(error);  // --help
        return {};
    }
    if (const auto unknown = app.remaining(); !unknown.empty()) {
        std::vector<std::string> known{"--config", "--help"};
        for (const Setting& setting : settings())
            known.push_back(setting.flag());
        const std::string flag = unknown[0].substr(0, unknown[0].find('='));
        return refuse(fmt::format("'{}' is not known{}", flag, perhaps_meant(flag, known)));
    }
    for (std::size_t i = 0; i < options.size(); ++i)
        if (options[i].first->count() > 0) sources.flags.emplace_back(options[i].second->key, values[i]);
    return sources;
}

}  // namespace posthorn::server
