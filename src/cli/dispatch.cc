#include <algorithm>
#include <cstdio>
#include <iterator>
#include <sstream>
#include <utility>

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

constexpr const char* help_hint = "\n'posthorn COMMAND --help' lists a command's options.\n";

void print_line(std::FILE* out, const Command& command) {
    std::fprintf(out, "  %-18.*s %.*s\n", static_cast<int>(command.name.size()), command.name.data(),
                 static_cast<int>(command.summary.size()), command.summary.data());
}

void print_help(std::FILE* out, Tables tables) {
    std::fputs("usage: posthorn COMMAND [OPTIONS]\n\n", out);
    for (const auto table : tables)
        for (const Command& command : table)
            print_line(out, command);
    std::fputs(help_hint, out);
}

/// The commands that begin with this word, as "config show" does with "config".
bool print_group(std::FILE* out, Tables tables, const std::string& word) {
    bool any = false;
    for (const auto table : tables)
        for (const Command& command : table)
            if (command.name.starts_with(word + " ")) {
                if (!std::exchange(any, true)) std::fprintf(out, "usage: posthorn COMMAND [OPTIONS]\n\n");
                print_line(out, command);
            }
    if (any) std::fputs(help_hint, out);
    return any;
}

const Command* find(Tables tables, const Arguments& words, std::size_t& words_of_name) {
    const Command* best = nullptr;
    words_of_name = 0;
    for (const auto table : tables)
        for (const Command& command : table)
            if (const std::size_t taken = words_taken(command, words); taken > words_of_name)
                best = &command, words_of_name = taken;
    return best;
}

bool asks_for_help(const std::string& word) {
    return word == "help" || word == "--help" || word == "-h";
}

}  // namespace

int dispatch(Tables tables, const Arguments& words) {
    if (words.size() > 1 && words[0] == "help" && !asks_for_help(words[1])) {
        Arguments asked(words.begin() + 1, words.end());
        asked.emplace_back("--help");
        return dispatch(tables, asked);
    }
    if (words.size() == 1 && (words[0] == "--version" || words[0] == "-v"))
        return dispatch(tables, {"version"});
    const bool help = words.empty() || asks_for_help(words[0]);
    if (help) {
        print_help(words.empty() ? stderr : stdout, tables);
        return words.empty() ? exit_usage : exit_good;
    }
    std::size_t best_words = 0;
    const Command* const best = find(tables, words, best_words);
    if (best == nullptr) {
        const bool group_help = words.size() == 2 && asks_for_help(words[1]);
        if ((words.size() == 1 || group_help) && print_group(group_help ? stdout : stderr, tables, words[0]))
            return group_help ? exit_good : exit_usage;
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
