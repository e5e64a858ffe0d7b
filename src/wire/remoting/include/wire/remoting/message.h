#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/remoting/host.h"

namespace posthorn::wire::remoting {

/// A message as RocketMQ stores it and as its clients get it: one after the other in a pull answer, alone in
/// a view by id or a transaction check. Network order; v4 hosts unless the system flag says otherwise.
///
///     at        bytes  field
///     0         4      total size
///     4         4      magic: topic length in 1 byte (V1) or 2 (V2)
///     8         4      body CRC: IEEE, highest bit cleared
///     12        4      queue id
///     16        4      flag: the application's, never looked at
///     20        8      queue offset         (patched)
///     28        8      physical offset      (patched)
///     36        4      system flag
///     40        8      born time, ms
///     48        4+4    born host: address, port (16+4 for v6)
///     56        8      store time, ms       (patched)
///     64        4+4    store host           (patched)
///     72        4      reconsume times
///     76        8      prepared transaction offset
///     84        4+n    body
///     88+n      1+n    topic (2+n in V2)
///               2+n    properties
///
/// Positions from 48 on move by 12 for each v6 host.
inline constexpr std::uint32_t kMagicV1 = 0xDAA320A7;
inline constexpr std::uint32_t kMagicV2 = 0xDAA320AB;

/// Bits of the system flag.
inline constexpr std::int32_t kSysCompressed = 0x1;
inline constexpr std::int32_t kSysMultiTags = 0x2;
inline constexpr std::int32_t kSysTransactionMask = 0xC;
inline constexpr std::int32_t kSysTransactionPrepared = 0x4;
inline constexpr std::int32_t kSysTransactionCommit = 0x8;
inline constexpr std::int32_t kSysTransactionRollback = 0xC;
inline constexpr std::int32_t kSysBornHostV6 = 0x10;
inline constexpr std::int32_t kSysStoreHostV6 = 0x20;
inline constexpr std::int32_t kSysNeedUnwrapBatch = 0x40;
inline constexpr std::int32_t kSysInnerBatch = 0x80;
inline constexpr std::int32_t kSysCompressionMask =
    0x700;  ///< 0 zlib of old clients, 0x100 LZ4, 0x200 ZSTD, 0x300 zlib

/// The application's topic limit; one byte of length holds it.
inline constexpr std::size_t kMaxTopicV1 = 127;

/// What a message is made of. All views; nothing is kept.
struct MessageParts {
    std::string_view topic;
    std::int32_t queue_id = 0;
    std::int32_t flag = 0;
    std::int32_t sys_flag = 0;  ///< its host bits are ignored and set from the hosts
    std::int64_t born_ms = 0;
    Host born_host;
    std::int32_t reconsume_times = 0;
    std::int64_t prepared_transaction_offset = 0;
    Bytes body;
    std::string_view properties;        ///< as the client sent them
    std::string_view added_properties;  ///< the broker's own, put behind them with the separator between

    /// Known only when the message has its place. Zero at first: a stored payload keeps zeros here and
    /// `patch_stored` fills them in the copy that leaves. `store_host.v6` decides how much room there is.
    std::int64_t queue_offset = 0;
    std::int64_t physical_offset = 0;
    std::int64_t store_ms = 0;
    Host store_host;
};

/// Bytes the message takes.
std::size_t stored_size(const MessageParts& parts);

/// Appends the message. Fails (`Errc::invalid`, nothing appended) when topic or properties exceed what their
/// length fields hold (32,767 bytes each).
Result<void> append_stored(const MessageParts& parts, Buffer& out);
/// The same into `room`, which is exactly `stored_size(parts)` bytes; the caller has checked the limits.
void write_stored(const MessageParts& parts, std::span<std::byte> room);

/// Fills in the place of a message written by the functions above. The room for the store host is what it was
/// when the message was written: a v4 host goes into v6 room as a mapped address, a v6 host leaves only its
/// port in v4 room.
void patch_stored(std::span<std::byte> message, std::int64_t queue_offset, std::int64_t physical_offset,
                  std::int64_t store_ms, const Host& store_host);

/// One decoded message; views into the bytes it came from.
struct Message {
    Bytes bytes;  ///< the whole of it
    std::uint32_t body_crc = 0;
    std::int32_t queue_id = 0;
    std::int32_t flag = 0;
    std::int64_t queue_offset = 0;
    std::int64_t physical_offset = 0;
    std::int32_t sys_flag = 0;
    std::int64_t born_ms = 0;
    Host born_host;
    std::int64_t store_ms = 0;
    Host store_host;
    std::int32_t reconsume_times = 0;
    std::int64_t prepared_transaction_offset = 0;
    Bytes body;
    std::string_view topic;
    std::string_view properties;

    /// Clients refuse a body that does not match.
    bool body_intact() const;
};

/// CRC a client verifies `body` with.
std::uint32_t body_crc(Bytes body);

/// The message at the beginning of `bytes`, which may go on behind it (`bytes.subspan(message.bytes.size())`
/// is the rest). Lengths that contradict each other, or another magic, are `Errc::invalid`. Does not look at
/// the body's checksum.
Result<Message> decode_stored(Bytes bytes);

}  // namespace posthorn::wire::remoting
