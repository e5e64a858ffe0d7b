#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/check.h"

/// The input as our bytes. libFuzzer allocates it exactly, so the sanitizer sees a read past its end.
inline posthorn::Bytes input(const std::uint8_t* data, std::size_t size) {
    return std::as_bytes(std::span(data, size));
}

/// Touches every byte: a view that points elsewhere is caught by the sanitizer.
inline void touch(posthorn::Bytes bytes) {
    [[maybe_unused]] static volatile unsigned sink;
    unsigned sum = 0;
    for (const std::byte byte : bytes)
        sum += std::to_integer<unsigned>(byte);
    sink = sum;
}
inline void touch(std::string_view text) {
    touch(posthorn::as_bytes(text));
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
