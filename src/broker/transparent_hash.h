#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace posthorn::broker {

/// Names are looked up by what a frame holds: a string_view, without making a string first.
struct TransparentHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
        return std::hash<std::string_view>{}(text);
    }
};

template <class T>
using NameMap = std::unordered_map<std::string, T, TransparentHash, std::equal_to<>>;

}  // namespace posthorn::broker
