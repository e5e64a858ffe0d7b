#include "wire/remoting/message.h"

#include <fmt/format.h>

#include <cstring>

#include "base/crc.h"
#include "wire/remoting/properties.h"

namespace posthorn::wire::remoting {
namespace {

constexpr std::size_t kAtQueueOffset = 20;
constexpr std::size_t kAtSysFlag = 36;
constexpr std::size_t kAtBornHost = 48;
constexpr std::size_t kHostV4 = 8;
constexpr std::size_t kHostV6 = 20;
constexpr std::size_t kMaxShort = 32'767;
/// All fixed fields of V1 with v4 hosts: lengths included, body, topic and properties empty.
constexpr std::size_t kFixed = 91;

std::size_t host_size(std::int32_t sys_flag, std::int32_t bit) {
    return (sys_flag & bit) ? kHostV6 : kHostV4;
}

std::int32_t with_host_bits(const MessageParts& parts) {
    std::int32_t flag = parts.sys_flag & ~(kSysBornHostV6 | kSysStoreHostV6);
    if (parts.born_host.v6) flag |= kSysBornHostV6;
    if (parts.store_host.v6) flag |= kSysStoreHostV6;
    return flag;
}

bool needs_separator(const MessageParts& parts) {
    return !parts.properties.empty() && !parts.added_properties.empty() &&
           parts.properties.back() != kPropertyEnd;
}

std::size_t properties_size(const MessageParts& parts) {
    return parts.properties.size() + parts.added_properties.size() + (needs_separator(parts) ? 1 : 0);
}

/// Writes forward into room that is known to be enough.
class Writer {
  public:
    explicit Writer(std::byte* at) : at_(at) {}
    template <std::integral T>
    void be(T value) {
        store_be(at_, value);
        at_ += sizeof value;
    }
    void bytes(Bytes bytes) {
        if (!bytes.empty()) std::memcpy(at_, bytes.data(), bytes.size());
        at_ += bytes.size();
    }
    void host(const Host& host) {
        write_host(at_, host);
        at_ += host.size();
    }

  private:
    std::byte* at_;
};

}  // namespace

std::uint32_t body_crc(Bytes body) {
    return crc32_ieee(body) & 0x7FFFFFFF;
}

bool Message::body_intact() const {
    return remoting::body_crc(body) == body_crc;
}

std::size_t stored_size(const MessageParts& parts) {
    return kFixed + (parts.born_host.v6 ? 12 : 0) + (parts.store_host.v6 ? 12 : 0) + parts.body.size() +
           parts.topic.size() + (parts.topic.size() > kMaxTopicV1 ? 1 : 0) + properties_size(parts);
}

void write_stored(const MessageParts& parts, std::span<std::byte> room) {
    const bool v2 = parts.topic.size() > kMaxTopicV1;
    Writer writer(room.data());
    writer.be(static_cast<std::uint32_t>(room.size()));
    writer.be(v2 ? kMagicV2 : kMagicV1);
    writer.be(body_crc(parts.body));
    writer.be(parts.queue_id);
    writer.be(parts.flag);
    writer.be(parts.queue_offset);
    writer.be(parts.physical_offset);
    writer.be(with_host_bits(parts));
    writer.be(parts.born_ms);
    writer.host(parts.born_host);
    writer.be(parts.store_ms);
    writer.host(parts.store_host);
    writer.be(parts.reconsume_times);
    writer.be(parts.prepared_transaction_offset);
    writer.be(static_cast<std::uint32_t>(parts.body.size()));
    writer.bytes(parts.body);
    if (v2)
        writer.be(static_cast<std::uint16_t>(parts.topic.size()));
    else
        writer.be(static_cast<std::uint8_t>(parts.topic.size()));
    writer.bytes(as_bytes(parts.topic));
    writer.be(static_cast<std::uint16_t>(properties_size(parts)));
    writer.bytes(as_bytes(parts.properties));
    if (needs_separator(parts)) writer.be(kPropertyEnd);
    writer.bytes(as_bytes(parts.added_properties));
}

Result<void> append_stored(const MessageParts& parts, Buffer& out) {
    if (parts.topic.size() > kMaxShort)
        return Error{Errc::invalid, fmt::format("a topic name of {} bytes", parts.topic.size())};
    if (properties_size(parts) > kMaxProperties)
        return Error{Errc::invalid, fmt::format("properties of {} bytes are over the limit of {}",
                                                properties_size(parts), kMaxProperties)};
    const std::size_t size = stored_size(parts);
    write_stored(parts, {out.extend(size), size});
    return {};
}

void patch_stored(std::span<std::byte> message, std::int64_t queue_offset, std::int64_t physical_offset,
                  std::int64_t store_ms, const Host& store_host) {
    POSTHORN_CHECK(message.size() >= kFixed, "a stored message shorter than its fixed fields");
    std::byte* const data = message.data();
    store_be(data + kAtQueueOffset, queue_offset);
    store_be(data + kAtQueueOffset + 8, physical_offset);
    const auto sys_flag = load_be<std::int32_t>(data + kAtSysFlag);
    std::byte* const at = data + kAtBornHost + host_size(sys_flag, kSysBornHostV6);
    store_be(at, store_ms);
    const bool room_v6 = (sys_flag & kSysStoreHostV6) != 0;
    if (room_v6 == store_host.v6) return write_host(at + 8, store_host);
    Host fitted;
    fitted.v6 = room_v6;
    fitted.port = store_host.port;
    if (room_v6) {
        fitted.address[10] = fitted.address[11] = std::byte{0xFF};
        std::memcpy(fitted.address.data() + 12, store_host.address.data(), 4);
    }
    POSTHORN_CHECK(message.size() >= kFixed + 24 || !room_v6,
                   "a stored message shorter than its fixed fields");
    write_host(at + 8, fitted);
}

Result<Message> decode_stored(Bytes bytes) {
    if (bytes.size() < kFixed)
        return Error{Errc::invalid, fmt::format("a stored message of {} bytes", bytes.size())};
    const auto size = load_be<std::uint32_t>(bytes.data());
    if (size < kFixed || size > bytes.size())
        return Error{Errc::invalid,
                     fmt::format("a stored message says {} bytes where {} are left", size, bytes.size())};
    const auto magic = load_be<std::uint32_t>(bytes.data() + 4);
    if (magic != kMagicV1 && magic != kMagicV2)
        return Error{Errc::invalid, fmt::format("no message magic: {:#010x}", magic)};

    Message message;
    message.bytes = bytes.first(size);
    ByteReader reader(message.bytes);
    reader.skip(8);
    message.body_crc = reader.be<std::uint32_t>();
    message.queue_id = reader.be<std::int32_t>();
    message.flag = reader.be<std::int32_t>();
    message.queue_offset = reader.be<std::int64_t>();
    message.physical_offset = reader.be<std::int64_t>();
    message.sys_flag = reader.be<std::int32_t>();
    message.born_ms = reader.be<std::int64_t>();
    const Bytes born_host = reader.bytes(host_size(message.sys_flag, kSysBornHostV6));
    message.store_ms = reader.be<std::int64_t>();
    const Bytes store_host = reader.bytes(host_size(message.sys_flag, kSysStoreHostV6));
    message.reconsume_times = reader.be<std::int32_t>();
    message.prepared_transaction_offset = reader.be<std::int64_t>();
    message.body = reader.bytes(reader.be<std::uint32_t>());
    message.topic = reader.text(magic == kMagicV1 ? reader.be<std::uint8_t>() : reader.be<std::uint16_t>());
    message.properties = reader.text(reader.be<std::uint16_t>());
    if (!reader.ok() || reader.remaining() != 0)
        return Error{Errc::invalid,
                     fmt::format("the fields of a stored message do not add up to its {} bytes", size)};
    message.born_host = read_host(born_host.data(), born_host.size() == kHostV6);
    message.store_host = read_host(store_host.data(), store_host.size() == kHostV6);
    return message;
}

}  // namespace posthorn::wire::remoting
