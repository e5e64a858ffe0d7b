#include "names.h"

#include <algorithm>

namespace posthorn::exchange {

std::string strip_line_ends(std::string_view name) {
    std::string stripped(name);
    std::erase_if(stripped, [](char c) { return c == '\r' || c == '\n'; });
    return stripped;
}

bool reserved(std::string_view name) {
    return name.starts_with("amq.");
}

bool utf8(std::string_view text) {
    for (std::size_t n = 0; n < text.size();) {
        const auto lead = static_cast<unsigned char>(text[n++]);
        const int more = lead < 0x80                    ? 0
                         : lead >= 0xC2 && lead <= 0xDF ? 1
                         : (lead & 0xF0) == 0xE0        ? 2
                         : lead >= 0xF0 && lead <= 0xF4 ? 3
                                                        : -1;
        if (more < 0) return false;
        for (int k = 0; k < more; ++k, ++n) {
            if (n >= text.size()) return false;
            const auto byte = static_cast<unsigned char>(text[n]);
            if ((byte & 0xC0) != 0x80) return false;
            if (k == 0 && ((lead == 0xE0 && byte < 0xA0) || (lead == 0xED && byte > 0x9F) ||
                           (lead == 0xF0 && byte < 0x90) || (lead == 0xF4 && byte > 0x8F)))
                return false;
        }
    }
    return true;
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
