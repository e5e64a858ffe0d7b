#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "exchange/names.h"

namespace posthorn::exchange {

/// Names are looked up by what a frame holds, without making a string first.
struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
        return std::hash<std::string_view>{}(text);
    }
};
template <class T>
using NameMap = std::unordered_map<std::string, T, NameHash, std::equal_to<>>;

inline constexpr std::size_t name_bytes_max = 255;  ///< a short string of AMQP

/// "amq." is for what the server makes.
bool reserved(std::string_view name);

}  // namespace posthorn::exchange
