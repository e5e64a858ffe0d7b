#pragma once

#include <string_view>

#include "base/bytes.h"

namespace posthorn::wire::remoting {

/// Appends `text` as the inside of a JSON string (no quotes around it).
void append_json_escaped(Buffer& out, std::string_view text);

}  // namespace posthorn::wire::remoting
