#pragma once

#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "wire/remoting/properties.h"

// Searching text sixteen bytes at a time where the processor can. Nothing reads past `end`.

namespace posthorn::wire::remoting {

#if defined(__SSE2__)
inline __m128i load16(const char* from) {
    return _mm_loadu_si128(static_cast<const __m128i*>(static_cast<const void*>(from)));
}
inline void store16(char* to, __m128i bytes) {
    _mm_storeu_si128(static_cast<__m128i*>(static_cast<void*>(to)), bytes);
}
/// One bit per byte that is a quote or a backslash.
inline unsigned quote_bits(__m128i bytes) {
    const __m128i quotes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
    const __m128i slashes = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(quotes, slashes)));
}
/// One bit per byte that is `wanted`.
inline unsigned bits_of(__m128i bytes, char wanted) {
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(wanted))));
}
#endif

/// The first quote or backslash, or `end`. Most strings of a send header have one character: a branch that is
/// predicted beats a search whose result the next step waits for.
inline const char* find_quote(const char* at, const char* end) {
    if (end - at >= 2 && at[0] != '\\' && at[1] == '"' && at[0] != '"') return at + 1;
#if defined(__SSE2__)
    for (; end - at >= 16; at += 16)
        if (const unsigned bits = quote_bits(load16(at))) return at + __builtin_ctz(bits);
#endif
    while (at != end && *at != '"' && *at != '\\')
        ++at;
    return at;
}

/// Copies up to the first quote or backslash (or `end`) and returns where it stands in the source; `to` moves
/// along and must have 16 bytes more room than the source has.
inline const char* copy_to_quote(const char* at, const char* end, char*& to) {
#if defined(__SSE2__)
    for (; end - at >= 16; at += 16, to += 16) {
        const __m128i bytes = load16(at);
        store16(to, bytes);
        if (const unsigned bits = quote_bits(bytes)) {
            to += __builtin_ctz(bits);
            return at + __builtin_ctz(bits);
        }
    }
#endif
    while (at != end && *at != '"' && *at != '\\')
        *to++ = *at++;
    return at;
}

/// The first byte a JSON string may not hold as it is: a quote, a backslash, a control character; or `end`.
inline const char* find_unescaped(const char* at, const char* end) {
#if defined(__SSE2__)
    const __m128i low = _mm_set1_epi8(0x1F);
    for (; end - at >= 16; at += 16) {
        const __m128i bytes = load16(at);
        const auto controls =
            static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(bytes, low), bytes)));
        if (const unsigned bits = controls | quote_bits(bytes)) return at + __builtin_ctz(bits);
    }
#endif
    while (at != end && *at != '"' && *at != '\\' && static_cast<unsigned char>(*at) > 0x1F)
        ++at;
    return at;
}

/// The mark behind a property's name, or the one behind a value where no name is; or `end`. From `begin` on
/// all is readable: what is left of the list may be looked at from before it.
inline const char* find_property_mark([[maybe_unused]] const char* begin, const char* at, const char* end) {
#if defined(__SSE2__)
    for (; end - at >= 16; at += 16) {
        const __m128i bytes = load16(at);
        if (const unsigned bits = bits_of(bytes, kPropertyName) | bits_of(bytes, kPropertyEnd))
            return at + __builtin_ctz(bits);
    }
    if (end - begin >= 16) {
        const __m128i bytes = load16(end - 16);
        const unsigned bits =
            (bits_of(bytes, kPropertyName) | bits_of(bytes, kPropertyEnd)) >> (16 - (end - at));
        return bits ? at + __builtin_ctz(bits) : end;
    }
#endif
    while (at != end && *at != kPropertyName && *at != kPropertyEnd)
        ++at;
    return at;
}

/// The mark behind a property's value, or `end`.
inline const char* find_property_end([[maybe_unused]] const char* begin, const char* at, const char* end) {
#if defined(__SSE2__)
    for (; end - at >= 16; at += 16)
        if (const unsigned bits = bits_of(load16(at), kPropertyEnd)) return at + __builtin_ctz(bits);
    if (end - begin >= 16) {
        const unsigned bits = bits_of(load16(end - 16), kPropertyEnd) >> (16 - (end - at));
        return bits ? at + __builtin_ctz(bits) : end;
    }
#endif
    while (at != end && *at != kPropertyEnd)
        ++at;
    return at;
}

}  // namespace posthorn::wire::remoting
