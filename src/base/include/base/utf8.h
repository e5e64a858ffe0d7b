#pragma once

#include <string_view>

namespace posthorn {

/// Whether the bytes are well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
/// JSON, and AMQP's names, can carry nothing else.
bool is_utf8(std::string_view text);

}  // namespace posthorn
