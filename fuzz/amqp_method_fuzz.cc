// The payload of a method frame. What is decoded is encoded, decoded and encoded again: both times the same
// bytes. What is refused has a violation to be told. The bytes also pose as credentials.

#include <algorithm>

#include "fuzz.h"
#include "wire/amqp/capabilities.h"
#include "wire/amqp/decode.h"
#include "wire/amqp/encode.h"
#include "wire/amqp/sasl.h"

using namespace posthorn;
using namespace posthorn::wire::amqp;

namespace {

Buffer encoded(const Method& method) {
    Buffer out;
    std::visit([&](const auto& one) { append_method(out, 1, one); }, method);
    return out;
}

Bytes payload_of(const Buffer& frame) {
    return frame.view().subspan(kFrameHead, frame.size() - kFrameOverhead);
}

void pose_as_credentials(std::string_view text) {
    for (const auto& credentials : {parse_plain(text), parse_amqplain(text)}) {
        if (!credentials) continue;
        touch(credentials->user);
        touch(credentials->password);
    }
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes payload = input(data, size);
    pose_as_credentials(as_text(payload));
    const auto method = decode_any(payload);
    if (!method) {
        const Violation violation = malformed(payload);
        POSTHORN_CHECK(reply_text(violation.code, violation.detail).size() <= kMaxShortText,
                       "a reply text that fits no short string");
        return 0;
    }
    if (const auto* start_ok = std::get_if<ConnectionStartOk>(&*method))
        (void)read_capabilities(start_ok->client_properties);
    const Buffer once = encoded(*method);
    POSTHORN_CHECK(once.size() <= size + kFrameOverhead, "encoding adds bytes");
    const auto again = decode_any(payload_of(once));
    POSTHORN_CHECK(again.has_value(), "our own encoding is refused");
    POSTHORN_CHECK(std::ranges::equal(once.view(), encoded(*again).view()), "encoding is not stable");
    return 0;
}
