#include "names.h"

#include <algorithm>

namespace posthorn::exchange {

std::string_view without_line_breaks(std::string_view name, std::string& scratch) {
    const auto breaks = [](char c) { return c == '\r' || c == '\n'; };
    if (std::none_of(name.begin(), name.end(), breaks)) return name;
    scratch.assign(name);
    std::erase_if(scratch, breaks);
    return scratch;
}

bool reserved(std::string_view name) {
    return name.starts_with("amq.");
}

std::string random_name(std::string_view prefix, std::uint64_t high, std::uint64_t low) {
    static constexpr std::string_view digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string name(prefix);
    for (int n = 0; n < 22; ++n) {
        name += digits[high & 63];
        high = high >> 6 | low << 58;
        low >>= 6;
    }
    return name;
}

}  // namespace posthorn::exchange
