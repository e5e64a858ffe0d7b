#pragma once

#include <span>
#include <string>
#include <string_view>

namespace posthorn::server {

/// What is said behind a name nobody knows: "; is 'store.flush' meant?" with the nearest of the known ones,
/// or nothing if none is near.
std::string perhaps_meant(std::string_view word, std::span<const std::string> known);

}  // namespace posthorn::server
