#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posthorn::gateway::remoting {

/// A JSON string with its quotes, for the few small bodies that are written here and not in wire/remoting.
std::string json_text(std::string_view text);
std::string json_texts(const std::vector<std::string>& texts);  ///< joined by commas

}  // namespace posthorn::gateway::remoting
