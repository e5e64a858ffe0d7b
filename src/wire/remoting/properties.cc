#include "wire/remoting/properties.h"

#include <cstring>

#include "text_scan.h"

namespace posthorn::wire::remoting {

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
    std::byte* to = out.extend(name.size() + value.size() + 2);
    std::memcpy(to, name.data(), name.size());
    to[name.size()] = static_cast<std::byte>(kPropertyName);
    if (!value.empty()) std::memcpy(to + name.size() + 1, value.data(), value.size());
    to[name.size() + 1 + value.size()] = static_cast<std::byte>(kPropertyEnd);
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
