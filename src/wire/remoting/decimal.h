#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

// Numbers as text, written out here because a reply has three or four of them and the library's conversion
// costs several times this.

namespace posthorn::wire::remoting {

inline constexpr std::size_t kDecimalRoom = 20;  ///< of any 64-bit number, sign included

inline std::size_t decimal_digits(std::uint64_t value) {
    static constexpr auto kPowers = [] {
        std::array<std::uint64_t, 20> powers{};
        std::uint64_t power = 1;
        for (std::uint64_t& each : powers)
            each = power, power *= 10;
        powers[0] = 0;  // 0 has a digit, too
        return powers;
    }();
    // 1233 / 4096 is the logarithm of 2, as exactly as 64 bits need it.
    const auto guess = static_cast<std::size_t>(std::bit_width(value)) * 1233 >> 12;
    return guess + (value >= kPowers[guess] ? 1 : 0);
}

/// Writes up to `kDecimalRoom` characters; returns the end.
inline char* put_decimal(char* to, std::int64_t number) {
    static constexpr auto kPairs = [] {
        std::array<std::array<char, 2>, 100> pairs{};
        for (std::size_t n = 0; n < pairs.size(); ++n)
            pairs[n] = {static_cast<char>('0' + n / 10), static_cast<char>('0' + n % 10)};
        return pairs;
    }();
    auto value = static_cast<std::uint64_t>(number);
    if (number < 0) *to++ = '-', value = 0 - value;
    char* const end = to + decimal_digits(value);
    char* at = end;
    for (; value >= 10; value /= 100)
        std::memcpy(at -= 2, kPairs[value % 100].data(), 2);
    if (at != to) *to = static_cast<char>('0' + value);
    return end;
}

}  // namespace posthorn::wire::remoting
