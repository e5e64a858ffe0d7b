#include "load_stamp.h"

#include "base/crc.h"

namespace posthorn::cli {

void write_stamp(std::byte* to, const LoadStamp& stamp) {
    store_le(to, stamp.run);
    store_le(to + 8, stamp.sequence);
    store_le(to + 16, stamp.sent_ns);
    store_le(to + 24, crc32c(Bytes(to, 24)));
}

std::optional<LoadStamp> read_stamp(Bytes body) {
    if (body.size() < kStampSize) return std::nullopt;
    const std::byte* from = body.data();
    if (load_le<std::uint32_t>(from + 24) != crc32c(body.first(24))) return std::nullopt;
    return LoadStamp{load_le<std::uint64_t>(from), load_le<std::uint64_t>(from + 8),
                     load_le<std::int64_t>(from + 16)};
}

}  // namespace posthorn::cli
