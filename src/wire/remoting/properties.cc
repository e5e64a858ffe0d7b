#include "wire/remoting/properties.h"

#include <cstring>

#include "text_scan.h"

namespace posthorn::wire::remoting {
namespace {

template <std::size_t size>
inline void copy_ends(std::byte* to, const char* from, std::size_t whole) {
    std::memcpy(to, from, size);
    std::memcpy(to + whole - size, from + whole - size, size);
}

/// Names and values are a few words long: not worth a call. The end is copied with what lies before it, twice
/// rather than byte by byte.
inline std::byte* copy_short(std::byte* to, std::string_view text) {
    const char* const from = text.data();
    const std::size_t size = text.size();
    if (size >= 16) {
        for (std::size_t at = 0; at + 16 < size; at += 16)
            std::memcpy(to + at, from + at, 16);
        std::memcpy(to + size - 16, from + size - 16, 16);
    } else if (size >= 8) {
        copy_ends<8>(to, from, size);
    } else if (size >= 4) {
        copy_ends<4>(to, from, size);
    } else {
        for (std::size_t at = 0; at < size; ++at)
            to[at] = static_cast<std::byte>(from[at]);
    }
    return to + size;
}

}  // namespace

bool PropertyCursor::next(Property& property) {
    const char* at = rest_.data();
    const char* const end = at + rest_.size();
    while (at != end) {
        const char* const name = at;
        const char* const mark = find_property_mark(begin_, at, end);
        if (mark == end) break;
        at = mark + 1;
        if (*mark == kPropertyEnd) continue;
        const char* const value = at;
        const char* const stop = find_property_end(begin_, at, end);
        at = stop == end ? end : stop + 1;
        if (mark == name) continue;
        property = {{name, static_cast<std::size_t>(mark - name)},
                    {value, static_cast<std::size_t>(stop - value)}};
        rest_ = {at, static_cast<std::size_t>(end - at)};
        return true;
    }
    rest_ = {};
    return false;
}

std::optional<std::string_view> find_property(std::string_view list, std::string_view name) {
    std::optional<std::string_view> found;
    PropertyCursor cursor(list);
    for (Property property; cursor.next(property);)
        if (property.name == name) found = property.value;
    return found;
}

void append_property(Buffer& out, std::string_view name, std::string_view value) {
    std::byte* to = copy_short(out.extend(name.size() + value.size() + 2), name);
    *to++ = static_cast<std::byte>(kPropertyName);
    *copy_short(to, value) = static_cast<std::byte>(kPropertyEnd);
}

void append_without(Buffer& out, std::string_view list, std::string_view name) {
    PropertyCursor cursor(list);
    for (Property property; cursor.next(property);)
        if (property.name != name) append_property(out, property.name, property.value);
}

void append_with(Buffer& out, std::string_view list, std::string_view name, std::string_view value) {
    append_without(out, list, name);
    append_property(out, name, value);
}

bool valid_property_text(std::string_view text) {
    return text.find_first_of("\x01\x02") == std::string_view::npos;
}

}  // namespace posthorn::wire::remoting
