#include "json_string.h"

#include <cstring>

namespace posthorn::wire::remoting {
namespace {

char* append_utf8(char* to, unsigned point) {
    if (point < 0x80) {
        *to++ = static_cast<char>(point);
    } else if (point < 0x800) {
        *to++ = static_cast<char>(0xC0 | point >> 6);
        *to++ = static_cast<char>(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
        *to++ = static_cast<char>(0xE0 | point >> 12);
        *to++ = static_cast<char>(0x80 | (point >> 6 & 0x3F));
        *to++ = static_cast<char>(0x80 | (point & 0x3F));
    } else {
        *to++ = static_cast<char>(0xF0 | point >> 18);
        *to++ = static_cast<char>(0x80 | (point >> 12 & 0x3F));
        *to++ = static_cast<char>(0x80 | (point >> 6 & 0x3F));
        *to++ = static_cast<char>(0x80 | (point & 0x3F));
    }
    return to;
}

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

constexpr unsigned kReplacement = 0xFFFD;
bool is_high_surrogate(unsigned unit) {
    return unit >= 0xD800 && unit < 0xDC00;
}
bool is_low_surrogate(unsigned unit) {
    return unit >= 0xDC00 && unit < 0xE000;
}

}  // namespace

/// Unescaped text is never longer than its source, so room for the whole text is room for all its strings.
bool JsonStrings::read_escaped(const char*& at, std::string_view& string) {
    if (!scratch_at_) {
        scratch_.clear();
        scratch_.resize(static_cast<std::size_t>(end_ - begin_) + 16);
        scratch_at_ = reinterpret_cast<char*>(scratch_.data());
    }
    const char* const begin = scratch_at_;
    const char* const end = end_;
    const char* from = at;
    char* to = scratch_at_;
    while (true) {
        from = copy_to_quote(from, end, to);
        if (from != end && *from == '"') break;
        // The marks between properties, in every send: \u0001 and \u0002.
        if (end - from >= 6 && std::memcmp(from, "\\u000", 5) == 0 && from[5] >= '0' && from[5] <= '9') {
            *to++ = static_cast<char>(from[5] - '0');
            from += 6;
            continue;
        }
        at = from == end ? from : from + 1;
        if (!unescape(at, to)) return false;
        from = at;
    }
    at = from + 1;
    string = {begin, static_cast<std::size_t>(to - begin)};
    scratch_at_ = to;
    return true;
}

/// `at` stands behind a backslash, or at the end of an unclosed string.
bool JsonStrings::unescape(const char*& at, char*& to) {
    if (at == end_) return fail("a string is not closed");
    const char kind = *at++;
    switch (kind) {
        case 'b':
            *to++ = '\b';
            return true;
        case 'f':
            *to++ = '\f';
            return true;
        case 'n':
            *to++ = '\n';
            return true;
        case 'r':
            *to++ = '\r';
            return true;
        case 't':
            *to++ = '\t';
            return true;
        case 'u':
            break;
        default:
            *to++ = kind;
            return true;  // quote, slash, backslash; others as they stand
    }
    unsigned point = 0;
    if (!hex4(at, point)) return false;
    if (is_high_surrogate(point) && end_ - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        const char* second = at + 2;
        unsigned low = 0;
        if (!hex4(second, low)) {
            at = second;
            return false;
        }
        if (is_low_surrogate(low)) {
            point = 0x10000 + ((point - 0xD800) << 10) + (low - 0xDC00);
            at = second;
        }
    }
    if (point >= 0xD800 && point < 0xE000) point = kReplacement;  // half a pair
    to = append_utf8(to, point);
    return true;
}

bool JsonStrings::hex4(const char*& at, unsigned& unit) {
    if (end_ - at < 4) return fail("an escape is cut off");
    unit = 0;
    for (int i = 0; i < 4; ++i) {
        const int digit = hex_digit(at[i]);
        if (digit < 0) return fail("an escape has no hex digits");
        unit = unit << 4 | static_cast<unsigned>(digit);
    }
    at += 4;
    return true;
}

}  // namespace posthorn::wire::remoting
