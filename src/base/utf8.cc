#include "base/utf8.h"

#include <cstddef>

namespace posthorn {
namespace {

bool continuation(unsigned char byte) {
    return (byte & 0xC0) == 0x80;
}

/// Length of the sequence that starts here, 0 when it is none.
std::size_t sequence(const unsigned char* at, std::size_t left) {
    const unsigned char lead = at[0];
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead < 0xE0) return left >= 2 && continuation(at[1]) ? 2 : 0;
    if ((lead & 0xF0) == 0xE0) {
        if (left < 3 || !continuation(at[1]) || !continuation(at[2])) return 0;
        if (lead == 0xE0 && at[1] < 0xA0) return 0;
        if (lead == 0xED && at[1] >= 0xA0) return 0;
        return 3;
    }
    if (lead < 0xF0 || lead > 0xF4) return 0;
    if (left < 4 || !continuation(at[1]) || !continuation(at[2]) || !continuation(at[3])) return 0;
    if (lead == 0xF0 && at[1] < 0x90) return 0;
    if (lead == 0xF4 && at[1] >= 0x90) return 0;
    return 4;
}

}  // namespace

bool is_utf8(std::string_view text) {
    const auto* at = reinterpret_cast<const unsigned char*>(text.data());
    for (std::size_t left = text.size(); left > 0;) {
        const std::size_t size = sequence(at, left);
        if (size == 0) return false;
        at += size;
        left -= size;
    }
    return true;
}

}  // namespace posthorn
