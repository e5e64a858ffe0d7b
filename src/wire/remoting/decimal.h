#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/bytes.h"

// Numbers as text and back, written out here because a send and its reply have three or four of them each and
// the library's conversions cost several times this.

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

/// The number eight digits are, the first in the lowest byte of `text`; false when one of the eight is none.
inline bool eight_digits(std::uint64_t text, std::uint64_t& number) {
    constexpr std::uint64_t kHigh = 0xF0F0F0F0F0F0F0F0, kSixes = 0x0606060606060606,
                            kZeros = 0x3030303030303030;
    if ((text & kHigh) != kZeros || ((text + kSixes) & kHigh) != kZeros) return false;
    text = (text & ~kHigh) * 2561 >> 8;                    // pairs
    text = (text & 0x00FF00FF00FF00FF) * 6'553'601 >> 16;  // fours
    number = (text & 0x0000FFFF0000FFFF) * 42'949'672'960'001 >> 32;
    return true;
}

/// Reads plain digits, 18 at most; returns their end.
inline const char* read_digits(const char* at, const char* end, std::uint64_t& number) {
    constexpr std::ptrdiff_t kMost = 18;
    if (end - at > kMost) end = at + kMost;
    number = 0;
    if (end - at >= 8 && eight_digits(load_le<std::uint64_t>(reinterpret_cast<const std::byte*>(at)), number))
        at += 8;
    for (; at != end; ++at) {
        const auto digit = static_cast<unsigned>(*at) - '0';
        if (digit > 9) break;
        number = number * 10 + digit;
    }
    return at;
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
