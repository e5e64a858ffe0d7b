#include "binding_advice.h"

#include <fmt/format.h>

#include <string_view>

namespace posthorn::exchange {
namespace {

/// Whether one of its words, cut at `separators`, is `#` or `*`.
bool has_wildcard(std::string_view key, std::string_view separators) {
    while (true) {
        const std::size_t end = key.find_first_of(separators);
        const std::string_view word = key.substr(0, end);
        if (word == "#" || word == "*") return true;
        if (end == std::string_view::npos) return false;
        key.remove_prefix(end + 1);
    }
}

}  // namespace

std::optional<std::string> advice(ExchangeType type, const Binding& binding) {
    if (type == ExchangeType::direct && has_wildcard(binding.key, "."))
        return fmt::format(
            "'{}' is bound to the direct exchange '{}' with key '{}', which matches that key alone: messages "
            "with another one do not get there (a topic exchange would match the pattern)",
            binding.destination, binding.source, binding.key);
    if (type == ExchangeType::topic && binding.key.find(',') != std::string::npos &&
        has_wildcard(binding.key, ".,"))
        return fmt::format(
            "'{}' is bound to the topic exchange '{}' with key '{}', which is one pattern with a comma in it "
            "(several patterns are several bindings)",
            binding.destination, binding.source, binding.key);
    return std::nullopt;
}

}  // namespace posthorn::exchange
