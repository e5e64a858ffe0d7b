#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace posthorn::exchange {

/// A name without carriage returns and line feeds, which RabbitMQ drops from the names of what it declares.
/// `scratch` holds it if there were any.
std::string_view without_line_breaks(std::string_view name, std::string& scratch);

/// 128 bits of chance as 22 characters of base64 that a URL carries as they are.
std::string random_name(std::string_view prefix, std::uint64_t high, std::uint64_t low);

}  // namespace posthorn::exchange
