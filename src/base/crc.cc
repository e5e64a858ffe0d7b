#include "base/crc.h"

#include <isa-l/crc.h>

namespace posthorn {

std::uint32_t crc32c(Bytes bytes, std::uint32_t seed) {
    // isa-l wants a mutable pointer here and reads only.
    auto* data = const_cast<unsigned char*>(reinterpret_cast<const unsigned char*>(bytes.data()));
    return ~crc32_iscsi(data, static_cast<int>(bytes.size()), ~seed);
}

std::uint32_t crc32_ieee(Bytes bytes) {
    return crc32_gzip_refl(0, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

}  // namespace posthorn
