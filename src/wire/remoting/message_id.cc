#include "wire/remoting/message_id.h"

#include <cstring>

#include "hex.h"

namespace posthorn::wire::remoting {
namespace {

int hex_value(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

bool from_hex(std::string_view text, std::byte* to) {
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        const int high = hex_value(text[i]);
        const int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) return false;
        *to++ = static_cast<std::byte>(high << 4 | low);
    }
    return true;
}

}  // namespace

void MessageId::append(Bytes bytes) {
    char* to = text_.data() + size_;
    std::size_t at = 0;
    for (; bytes.size() - at >= 8; at += 8)
        put_hex8(to + 2 * at, bytes.data() + at);
    for (; at < bytes.size(); ++at)
        put_hex(to + 2 * at, bytes[at]);
    size_ += bytes.size() * 2;
}

MessageId make_offset_message_id(const Host& host, std::int64_t physical_offset) {
    std::array<std::byte, 28> raw;
    write_host(raw.data(), host);
    store_be(raw.data() + host.size(), physical_offset);
    MessageId id;
    id.append(Bytes(raw.data(), host.size() + 8));
    return id;
}

std::optional<OffsetMessageId> parse_offset_message_id(std::string_view text) {
    if (text.size() != 32 && text.size() != 56) return std::nullopt;
    std::array<std::byte, 28> raw;
    if (!from_hex(text, raw.data())) return std::nullopt;
    OffsetMessageId id;
    id.host = read_host(raw.data(), text.size() == 56);
    id.physical_offset = load_be<std::int64_t>(raw.data() + id.host.size());
    return id;
}

MessageId make_unique_key(const UniqueKeyParts& parts) {
    std::array<std::byte, 16> raw;
    store_be(raw.data(), parts.address);
    store_be(raw.data() + 4, parts.process);
    store_be(raw.data() + 6, parts.instance);
    store_be(raw.data() + 10, parts.milliseconds);
    store_be(raw.data() + 14, parts.counter);
    MessageId id;
    id.append(raw);
    return id;
}

}  // namespace posthorn::wire::remoting
