#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace posthorn::http {

/// What stands between the slashes of a path that begins with one, as sent. "/a/" has two, the last empty.
std::vector<std::string> segments_of(std::string_view path);

/// The decoded values of the pattern's `{name}`s, if every other segment is equal.
std::optional<NamedValues> match(const std::vector<std::string>& pattern,
                                 const std::vector<std::string>& path);

/// Every % is followed by two hex digits.
bool well_escaped(std::string_view text);

}  // namespace posthorn::http
