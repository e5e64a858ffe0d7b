#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace posthorn::exchange {

/// Hashes the short names messages are routed by: a multiplication per eight bytes. Not for files, not
/// against an enemy: what it finds is compared.
inline std::uint64_t route_hash(std::string_view text, std::uint64_t seed = 0) {
    const auto mix = [](std::uint64_t a, std::uint64_t b) {
        __extension__ using Wide = unsigned __int128;
        const Wide product = static_cast<Wide>(a) * b;
        return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
    };
    constexpr std::uint64_t odd = 0x9E3779B97F4A7C15ull;
    std::uint64_t hash = seed ^ (text.size() * odd);
    while (text.size() >= 8) {
        std::uint64_t word;
        std::memcpy(&word, text.data(), 8);
        hash = mix(hash ^ word, odd);
        text.remove_prefix(8);
    }
    std::uint64_t word = 0;
    if (!text.empty()) std::memcpy(&word, text.data(), text.size());  // of nothing there may be no address
    return mix(hash ^ word, 0xD6E8FEB86659FD93ull);
}

}  // namespace posthorn::exchange
