// The payload of a content header frame. Properties that are decoded come out of the encoder as they came in.

#include <algorithm>

#include "fuzz.h"
#include "wire/amqp/properties.h"

using namespace posthorn;
using namespace posthorn::wire::amqp;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ContentHeader header;
    if (!decode_content_header(input(data, size), header)) return 0;
    Properties properties;
    if (!decode_properties(header.properties, properties)) return 0;
    for (const auto& text : {properties.content_type, properties.content_encoding, properties.correlation_id,
                             properties.reply_to, properties.expiration, properties.message_id,
                             properties.type, properties.user_id, properties.app_id, properties.cluster_id})
        if (text) touch(*text);
    if (properties.headers) touch(properties.headers->bytes());

    Buffer out;
    append_properties(out, properties);
    POSTHORN_CHECK(out.size() == header.properties.size(), "encoding changes the size");
    out.data()[1] |= header.properties[1] & std::byte{2};  // the one flag that is ignored
    POSTHORN_CHECK(std::ranges::equal(out.view(), header.properties), "encoding changes what was decoded");
    return 0;
}
