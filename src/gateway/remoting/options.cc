#include "gateway/remoting/options.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

namespace posthorn::gateway::remoting {

namespace {

std::int64_t unit_ms(char unit) {
    switch (unit) {
        case 's':
            return 1'000;
        case 'm':
            return 60'000;
        case 'h':
            return 3'600'000;
        case 'd':
            return 86'400'000;
        default:
            return 0;
    }
}

}  // namespace

Result<DelayLevels> parse_delay_levels(std::string_view text) {
    DelayLevels levels;
    while (true) {
        const auto begin = text.find_first_not_of(' ');
        if (begin == std::string_view::npos) break;
        text.remove_prefix(begin);
        const std::string_view item = text.substr(0, text.find(' '));
        text.remove_prefix(item.size());

        std::int64_t count = 0;
        const auto [end, failed] = std::from_chars(item.data(), item.data() + item.size(), count);
        const std::int64_t unit = unit_ms(item.back());
        if (failed != std::errc() || end != item.data() + item.size() - 1 || unit == 0 || count < 0 ||
            count > std::numeric_limits<std::int64_t>::max() / unit)
            return Error{Errc::invalid,
                         fmt::format("'{}' is no delay; write a number and s, m, h or d, as in 10s", item)};
        levels.push_back(count * unit);
    }
    if (levels.empty())
        return Error{Errc::invalid, "a list of delay levels needs at least one, as in \"1s 5s\""};
    return levels;
}

}  // namespace posthorn::gateway::remoting
