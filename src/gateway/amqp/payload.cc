#include "payload.h"

#include <array>

#include "base/check.h"

namespace posthorn::gateway::amqp {

namespace {

constexpr std::array<std::byte, 2> kNoProperties{};

void append_short(Buffer& out, std::string_view text) {
    POSTHORN_CHECK(text.size() <= 255, "an exchange name or routing key longer than a frame can say");
    out.be(static_cast<std::uint8_t>(text.size()));
    out.append(text);
}

}  // namespace

bool read_payload(Bytes stored, Payload& payload) {
    ByteReader reader(stored);
    payload.properties = reader.bytes(reader.be<std::uint32_t>());
    payload.exchange = reader.text(reader.be<std::uint8_t>());
    payload.key = reader.text(reader.be<std::uint8_t>());
    payload.body = reader.bytes(reader.remaining());
    return reader.ok();
}

Payload payload_of(const store::Record& message) {
    Payload payload;
    const bool ours = message.format == kPayloadFormat || message.format == kBlindPayloadFormat;
    if (ours && read_payload(message.payload, payload)) return payload;
    payload = {};
    payload.properties = kNoProperties;
    return payload;
}

void append_payload(Buffer& out, const Payload& payload) {
    out.be(static_cast<std::uint32_t>(payload.properties.size()));
    out.append(payload.properties);
    append_short(out, payload.exchange);
    append_short(out, payload.key);
    out.append(payload.body);
}

}  // namespace posthorn::gateway::amqp
