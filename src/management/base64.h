#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace posthorn::management {

std::string base64(std::string_view bytes);
/// Six bits a letter, `-` and `_`, without padding: may stand in a path.
std::string base64_for_path(std::string_view bytes);
/// Nothing if it is none. Padding must be there.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace posthorn::management
