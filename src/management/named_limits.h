#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "json.h"

namespace posthorn::management {

// Limits of virtual hosts and of users have the same words and the same rules.

template <class Limits>
using Limit = std::optional<std::uint64_t> Limits::*;
template <class Limits>
struct NamedLimit {
    const char* name;
    Limit<Limits> limit;
};

/// Null for a name nobody knows.
template <class Limits>
Limit<Limits> limit_named(std::span<const NamedLimit<Limits>> known, std::string_view name) {
    for (const NamedLimit<Limits>& one : known)
        if (one.name == name) return one.limit;
    return nullptr;
}

template <class Limits>
Json limits_json(std::span<const NamedLimit<Limits>> known, const Limits& limits) {
    Json json = Json::object();
    for (const NamedLimit<Limits>& one : known)
        if (const auto& value = limits.*one.limit) json[one.name] = *value;
    return json;
}

inline Error limits_invalid(std::string_view why) {
    return {Errc::invalid, fmt::format("Validation failed\n\n{}\n", why)};
}

/// What a body says for a limit. Tools that send every number as a text are understood, and null is none.
inline Json limit_value(const Json& body) {
    const auto number = number_in(body, "value", -1);
    return number ? Json(*number) : body["value"];
}

/// Changes the limits `value` names; a negative number takes one away.
template <class Limits>
Result<void> read_limits(std::span<const NamedLimit<Limits>> known, const Json& value, Limits& limits) {
    for (const auto& [name, number] : value.items()) {
        const Limit<Limits> limit = limit_named(known, name);
        if (!limit)
            return limits_invalid(
                fmt::format("Unrecognised terms [{{<<\"{}\">>,{}}}] in limits", name, text_of(number)));
        if (!number.is_number_integer())
            return limits_invalid(
                fmt::format("{} should be a number, actually was {}", name, text_of(number)));
        if (number.is_number_unsigned() || number.template get<std::int64_t>() >= 0)
            limits.*limit = number.template get<std::uint64_t>();
        else
            (limits.*limit).reset();
    }
    return {};
}

}  // namespace posthorn::management
