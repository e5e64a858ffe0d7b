#include "wire/amqp/protocol_header.h"

#include <fmt/format.h>

#include <algorithm>

namespace posthorn::wire::amqp {
namespace {

using State = ProtocolHeaderScan::State;

bool begins_with(Bytes stream, std::string_view text) {
    return as_text(stream.first(text.size())) == text;
}

std::string what_it_is(Bytes header) {
    if (begins_with(header, "AMQP"))
        return fmt::format("AMQP protocol {} version {}-{}-{}", std::to_integer<unsigned>(header[4]),
                           std::to_integer<unsigned>(header[5]), std::to_integer<unsigned>(header[6]),
                           std::to_integer<unsigned>(header[7]));
    if (header[0] == std::byte{0x16} && header[1] == std::byte{3})
        return "a TLS handshake on a plaintext connection";
    for (const std::string_view verb : {"GET ", "POST ", "HEAD ", "PUT "})
        if (begins_with(header, verb)) return "an HTTP request on the AMQP port";
    return "no AMQP protocol header";
}

}  // namespace

ProtocolHeaderScan scan_protocol_header(Bytes stream) {
    ProtocolHeaderScan scan;
    if (stream.size() < kProtocolHeaderSize) return scan;
    const Bytes header = stream.first(kProtocolHeaderSize);
    if (std::ranges::equal(header, kProtocolHeader) || begins_with(header, {"AMQP\1\1\0\x09", 8})) {
        scan.state = State::accepted;
        return scan;
    }
    scan.state = State::refused;
    scan.reason = what_it_is(header);
    return scan;
}

}  // namespace posthorn::wire::amqp
