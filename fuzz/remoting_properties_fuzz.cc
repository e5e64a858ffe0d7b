// A property list, its first byte saying how long the name is that is set and removed.

#include <algorithm>

#include "fuzz.h"
#include "wire/remoting/properties.h"

using namespace posthorn;
using namespace posthorn::wire::remoting;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text = as_text(input(data + 1, size - 1));
    const std::string_view name = text.substr(0, std::min<std::size_t>(data[0] % 16, text.size()));
    const std::string_view list = text.substr(name.size());

    PropertyCursor cursor(list);
    std::size_t others = 0;
    for (Property property; cursor.next(property);) {
        touch(property.value);
        POSTHORN_CHECK(find_property(list, property.name).has_value(), "a listed property is not found");
        others += property.name != name;
    }
    if (name.empty() || !valid_property_text(name)) return 0;

    Buffer with;
    append_with(with, list, name, "value");
    POSTHORN_CHECK(find_property(as_text(with.view()), name) == "value",
                   "a property that was set is not there");
    Buffer without;
    append_without(without, as_text(with.view()), name);
    POSTHORN_CHECK(!find_property(as_text(without.view()), name), "a property that was removed is there");
    PropertyCursor left(as_text(without.view()));
    for (Property property; left.next(property);)
        --others;
    POSTHORN_CHECK(others == 0, "setting and removing one property lost another");
    return 0;
}
