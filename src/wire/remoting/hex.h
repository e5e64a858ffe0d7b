#pragma once

#include <cstddef>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace posthorn::wire::remoting {

/// A byte as two upper-case digits.
inline void put_hex(char* to, std::byte byte) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    to[0] = kDigits[std::to_integer<unsigned>(byte) >> 4];
    to[1] = kDigits[std::to_integer<unsigned>(byte) & 15];
}

/// Eight bytes as sixteen digits: two of these are a message id.
inline void put_hex8(char* to, const std::byte* from) {
#if defined(__SSE2__)
    const __m128i bytes = _mm_loadl_epi64(static_cast<const __m128i*>(static_cast<const void*>(from)));
    const __m128i low = _mm_set1_epi8(0x0F);
    const __m128i digits =
        _mm_unpacklo_epi8(_mm_and_si128(_mm_srli_epi16(bytes, 4), low), _mm_and_si128(bytes, low));
    const __m128i letters =
        _mm_and_si128(_mm_cmpgt_epi8(digits, _mm_set1_epi8(9)), _mm_set1_epi8('A' - '9' - 1));
    _mm_storeu_si128(static_cast<__m128i*>(static_cast<void*>(to)),
                     _mm_add_epi8(_mm_add_epi8(digits, _mm_set1_epi8('0')), letters));
#else
    for (int n = 0; n < 8; ++n)
        put_hex(to + 2 * n, from[n]);
#endif
}

}  // namespace posthorn::wire::remoting
