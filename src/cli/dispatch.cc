#include <algorithm>
#include <cstdio>
#include <iterator>
#include <sstream>

#include "cli/command.h"

namespace posthorn::cli {
namespace {

using Tables = std::span<const std::span<const Command>>;

std::vector<std::string> split(std::string_view name) {
    std::istringstream words{std::string(name)};
    return {std::istream_iterator<std::string>(words), {}};
}

/// How many words of the command line the command's name takes; 0 if it does not fit.
std::size_t words_taken(const Command& command, const Arguments& words) {
    const auto name = split(command.name);
    const bool fits = name.size() <= words.size() && std::equal(name.begin(), name.end(), words.begin());
    return fits ? name.size() : 0;
}

void print_help(std::FILE* out, Tables tables) {
    std::fputs("usage: posthorn COMMAND [OPTIONS]\n\n", out);
    for (const auto table : tables)
        for (const Command& command : table)
            std::fprintf(out, "  %-18.*s %.*s\n", static_cast<int>(command.name.size()), command.name.data(),
                         static_cast<int>(command.summary.size()), command.summary.data());
    std::fputs("\n'posthorn COMMAND --help' lists a command's options.\n", out);
}

}  // namespace

int dispatch(Tables tables, const Arguments& words) {
    const bool help = words.empty() || words[0] == "help" || words[0] == "--help" || words[0] == "-h";
    if (help) {
        print_help(words.empty() ? stderr : stdout, tables);
        return words.empty() ? exit_usage : exit_good;
    }
    const Command* best = nullptr;
    std::size_t best_words = 0;
    for (const auto table : tables)
        for (const Command& command : table)
            if (const std::size_t taken = words_taken(command, words); taken > best_words)
                best = &command, best_words = taken;
    if (best == nullptr) {
        // "log" alone is no command, and neither is "log dmup": both words are named.
        const bool second = words.size() > 1 && !words[1].starts_with('-');
        std::fprintf(stderr, "posthorn: no command '%s%s%s'\n\n", words[0].c_str(), second ? " " : "",
                     second ? words[1].c_str() : "");
        print_help(stderr, tables);
        return exit_usage;
    }
    return best->run(Arguments(words.begin() + static_cast<std::ptrdiff_t>(best_words), words.end()));
}

}  // namespace posthorn::cli
