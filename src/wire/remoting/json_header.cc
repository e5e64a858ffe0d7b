#include "json_header.h"

#include <cstdint>

#include "text_scan.h"

namespace posthorn::wire::remoting {
namespace {

bool ends_word(char c) {
    return c == ',' || c == '}' || c == ']' || c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

}  // namespace

void JsonHeaderScanner::space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t'))
        ++at_;
}

// Headers are nearly always written without a space, a raw value or an escape. What is small and always taken
// stands inline;

inline bool JsonHeaderScanner::next_is(char wanted) {
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
}

inline bool JsonHeaderScanner::expect(char wanted, const char* problem) {
    if (next_is(wanted)) [[likely]]
        return true;
    space();
    return next_is(wanted) || fail(problem);
}

inline bool JsonHeaderScanner::another(bool& closed, const char* not_closed, const char* no_comma) {
    if (next_is(',')) [[likely]]
        return true;
    space();
    if (at_ == end_) return fail(not_closed);
    closed = next_is('}');
    return closed || expect(',', no_comma);
}

inline bool JsonHeaderScanner::string(std::string_view& text) {
    return strings_.read(at_, text) || fail(strings_.problem());
}

inline bool JsonHeaderScanner::value(std::string_view& text, bool& null) {
    return next_is('"') ? string(text) : raw_value(text, null);
}

bool JsonHeaderScanner::raw_value(std::string_view& text, bool& null) {
    space();
    if (next_is('"')) return string(text);
    const char* const from = at_;
    if (at_ != end_ && (*at_ == '{' || *at_ == '[')) {
        if (!skip_nested()) return false;
    } else {
        while (at_ != end_ && !ends_word(*at_))
            ++at_;
        if (at_ == from) return fail("a value is missing");
    }
    text = {from, static_cast<std::size_t>(at_ - from)};
    null = text == "null";
    return true;
}

/// Up to ten digits and a comma behind them; otherwise nothing is taken.
inline bool JsonHeaderScanner::plain_number(std::int32_t& into) {
    const char* at = at_;
    const char* const end = end_ - at > 10 ? at + 10 : end_;
    std::int64_t value = 0;
    for (; at != end && *at >= '0' && *at <= '9'; ++at)
        value = value * 10 + (*at - '0');
    if (at == at_ || at == end_ || *at != ',' || value > INT32_MAX) return false;
    into = static_cast<std::int32_t>(value);
    at_ = at;
    return true;
}

bool JsonHeaderScanner::any_number(std::int32_t& into) {
    std::string_view text;
    bool null = false;
    if (!value(text, null)) return false;
    if (null) return true;
    const auto parsed = parse_int32(text);
    if (!parsed.ok()) return fail("a 32-bit number was expected before this place");
    into = parsed.value;
    return true;
}

inline bool JsonHeaderScanner::number(std::int32_t& into) {
    return plain_number(into) || any_number(into);
}

bool JsonHeaderScanner::scan() {
    if (!expect('{', "no object")) return false;
    space();
    bool closed = next_is('}');
    while (!closed) {
        std::string_view key;
        if (!expect('"', "no member name") || !string(key) || !expect(':', "no colon after a member name"))
            return false;
        if (!member(key)) return false;
        if (!another(closed, "the object is not closed", "no comma between members")) return false;
    }
    return true;
}

inline bool JsonHeaderScanner::member(std::string_view key) {
    switch (key.size()) {
        case 4:
            if (key == "code") return number(header_.code);
            if (key == "flag") return number(header_.flag);
            break;
        case 6:
            if (key == "opaque") return opaque();
            if (key == "remark") return remark();
            break;
        case 7:
            if (key == "version") return number(header_.version);
            break;
        case 8:
            if (key == "language") return language();
            break;
        case 9:
            if (key == "extFields") return fields();
            break;
        default:
            break;
    }
    std::string_view unused;
    bool null = false;
    return value(unused, null);
}

inline bool JsonHeaderScanner::opaque() {
    const char* const from = at_;
    header_.opaque_text_ = {};
    if (!plain_number(header_.opaque)) return any_number(header_.opaque);
    header_.opaque_text_ = {from, static_cast<std::size_t>(at_ - from)};
    return true;
}

bool JsonHeaderScanner::language() {
    std::string_view text;
    bool null = false;
    if (!value(text, null)) return false;
    const auto ordinal = parse_int32(text);
    header_.language =
        ordinal.ok() && ordinal.value >= 0 && ordinal.value <= static_cast<int>(Language::node_js)
            ? static_cast<Language>(ordinal.value)
            : language_of(text);
    return true;
}

bool JsonHeaderScanner::remark() {
    std::string_view text;
    bool null = false;
    if (!value(text, null)) return false;
    if (!null) header_.remark = text;
    return true;
}

bool JsonHeaderScanner::fields() {
    if (!next_is('{')) {
        space();
        if (!next_is('{')) {
            std::string_view text;
            bool null = false;
            if (!value(text, null)) return false;
            return null || fail("extFields is no object");
        }
    }
    if (at_ != end_ && *at_ != '"') space();
    bool closed = next_is('}');
    while (!closed) {
        // As long as they are written `"key":"value",` with nothing to unescape: in registers, for these are
        // what a header costs. The next one, whatever it is, is read the general way.
        const char* at = at_;
        const char* const end = end_;
        while (end - at > 1 && *at == '"') {
            const char* const name = at + 1;
            const char* const name_end = find_quote(name, end);
            if (end - name_end < 4 || name_end[0] != '"' || name_end[1] != ':' || name_end[2] != '"') break;
            const char* const from = name_end + 3;
            const char* const to = find_quote(from, end);
            if (end - to < 2 || to[0] != '"' || to[1] != ',') break;
            if (!header_.add({name, static_cast<std::size_t>(name_end - name)},
                             {from, static_cast<std::size_t>(to - from)}))
                break;
            at = to + 2;
        }
        at_ = at;

        std::string_view key;
        std::string_view text;
        bool null = false;
        if (!expect('"', "no field name") || !string(key) || !expect(':', "no colon after a field name"))
            return false;
        if (!value(text, null)) return false;
        if (!null && !header_.add(key, text)) return fail("more than 48 fields");
        if (!another(closed, "extFields is not closed", "no comma between fields")) return false;
    }
    return true;
}

bool JsonHeaderScanner::skip_nested() {
    std::size_t depth = 0;
    while (at_ != end_) {
        const char c = *at_++;
        if (c == '{' || c == '[') ++depth;
        if ((c == '}' || c == ']') && --depth == 0) return true;
        if (c != '"') continue;
        while ((at_ = find_quote(at_, end_)) != end_ && *at_ == '\\')
            at_ += end_ - at_ > 1 ? 2 : 1;
        if (at_ != end_) ++at_;
    }
    return fail("a nested value is not closed");
}

}  // namespace posthorn::wire::remoting
