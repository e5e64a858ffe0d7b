#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace posthorn {

/// CRC-32C (Castagnoli), the checksum of our own files. `seed` chains calls or binds a place to the bytes.
std::uint32_t crc32c(Bytes bytes, std::uint32_t seed = 0);

/// CRC-32 (IEEE 802.3, as in zlib and java.util.zip.CRC32), the checksum RocketMQ clients verify bodies with.
std::uint32_t crc32_ieee(Bytes bytes);

}  // namespace posthorn
