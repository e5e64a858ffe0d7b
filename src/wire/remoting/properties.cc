#include "wire/remoting/properties.h"

#include <cstring>

namespace posthorn::wire::remoting {

bool PropertyCursor::next(Property& property) {
    while (!rest_.empty()) {
        const std::size_t end = rest_.find(kPropertyEnd);
        const std::string_view item = rest_.substr(0, end);
        rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
        const std::size_t separator = item.find(kPropertyName);
        if (separator == std::string_view::npos || separator == 0) continue;
        property = {item.substr(0, separator), item.substr(separator + 1)};
        return true;
    }
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
