#include "wire/amqp/encode.h"

#include <algorithm>

#include "base/check.h"
#include "field_writer.h"
#include "method_fields.h"
#include "method_list.h"
#include "wire/amqp/properties.h"

namespace posthorn::wire::amqp {
namespace {

constexpr std::size_t kIds = 4;

/// `walk` is one template for reading and writing and so takes the method by plain reference; sizer and
/// writer only look at it.
template <class M>
M& for_walk(const M& method) {
    return const_cast<M&>(method);
}

template <class M>
std::size_t method_payload(const M& method) {
    FieldSizer sizer;
    walk(sizer, for_walk(method));
    return kIds + sizer.size();
}

std::byte* put_head(std::byte* to, FrameType type, std::uint16_t channel, std::size_t size) {
    to[0] = static_cast<std::byte>(type);
    store_be(to + 1, channel);
    store_be(to + 3, static_cast<std::uint32_t>(size));
    return to + kFrameHead;
}

std::byte* put_end(std::byte* to) {
    *to = kFrameEnd;
    return to + 1;
}

template <class M>
std::byte* put_method(std::byte* to, std::uint16_t channel, const M& method, std::size_t payload) {
    FieldWriter writer(put_head(to, FrameType::method, channel, payload));
    writer.number(M::code);
    walk(writer, for_walk(method));
    return put_end(writer.end());
}

std::byte* put_content_header(std::byte* to, std::uint16_t channel, Bytes properties,
                              std::uint64_t body_size) {
    FieldWriter writer(put_head(to, FrameType::header, channel, kContentHeaderHead + properties.size()));
    writer.number(kBasicClass);
    writer.number(std::uint16_t{0});  // weight
    writer.number(body_size);
    writer.bytes(properties);
    return put_end(writer.end());
}

std::byte* put_body(std::byte* to, std::uint16_t channel, Bytes part) {
    FieldWriter writer(put_head(to, FrameType::body, channel, part.size()));
    writer.bytes(part);
    return put_end(writer.end());
}

std::size_t content_header_frame(Bytes properties) {
    return kFrameOverhead + kContentHeaderHead + properties.size();
}

std::size_t body_frames(std::size_t body_size, std::uint32_t frame_max) {
    POSTHORN_CHECK(frame_max == 0 || frame_max > kFrameOverhead, "a frame_max without room for a body");
    const std::size_t most = max_body_payload(frame_max);
    if (body_size <= most) return body_size == 0 ? 0 : 1;
    return (body_size + most - 1) / most;
}

template <class M>
std::size_t content_total(std::size_t payload, Bytes properties, std::size_t body_size,
                          std::uint32_t frame_max) {
    return kFrameOverhead + payload + content_header_frame(properties) +
           body_frames(body_size, frame_max) * kFrameOverhead + body_size;
}

}  // namespace

template <class M>
void append_method(Buffer& out, std::uint16_t channel, const M& method) {
    const std::size_t payload = method_payload(method);
    put_method(out.extend(kFrameOverhead + payload), channel, method, payload);
}

template <class M>
std::size_t content_size(const M& method, Bytes properties, std::size_t body_size, std::uint32_t frame_max) {
    return content_total<M>(method_payload(method), properties, body_size, frame_max);
}

template <class M>
void append_content(Buffer& out, std::uint16_t channel, const M& method, Bytes properties, Bytes body,
                    std::uint32_t frame_max) {
    const std::size_t payload = method_payload(method);
    std::byte* to = out.extend(content_total<M>(payload, properties, body.size(), frame_max));
    to = put_method(to, channel, method, payload);
    to = put_content_header(to, channel, properties, body.size());
    const std::size_t most = max_body_payload(frame_max);
    while (!body.empty()) {
        const Bytes part = body.first(std::min(body.size(), most));
        to = put_body(to, channel, part);
        body = body.subspan(part.size());
    }
}

template <class M>
void append_content_head(Buffer& out, std::uint16_t channel, const M& method, Bytes properties,
                         std::uint64_t body_size) {
    const std::size_t payload = method_payload(method);
    std::byte* to = out.extend(kFrameOverhead + payload + content_header_frame(properties));
    to = put_method(to, channel, method, payload);
    put_content_header(to, channel, properties, body_size);
}

bool append_close(Buffer& out, std::uint16_t channel, const Violation& violation) {
    const std::string text = reply_text(violation.code, violation.detail);
    const std::uint16_t of_class = class_id(violation.method);
    const std::uint16_t of_method = method_id(violation.method);
    const bool connection = channel == 0 || closes_connection(violation.code);
    if (connection)
        append_method(out, 0, ConnectionClose{violation.code, text, of_class, of_method});
    else
        append_method(out, channel, ChannelClose{violation.code, text, of_class, of_method});
    return connection;
}

#define POSTHORN_AMQP_ENCODE(M) template void append_method<M>(Buffer&, std::uint16_t, const M&);
POSTHORN_AMQP_METHODS(POSTHORN_AMQP_ENCODE)
#undef POSTHORN_AMQP_ENCODE

#define POSTHORN_AMQP_CONTENT(M)                                                                    \
    template std::size_t content_size<M>(const M&, Bytes, std::size_t, std::uint32_t);              \
    template void append_content<M>(Buffer&, std::uint16_t, const M&, Bytes, Bytes, std::uint32_t); \
    template void append_content_head<M>(Buffer&, std::uint16_t, const M&, Bytes, std::uint64_t);
POSTHORN_AMQP_CONTENT(BasicPublish)
POSTHORN_AMQP_CONTENT(BasicDeliver)
POSTHORN_AMQP_CONTENT(BasicGetOk)
POSTHORN_AMQP_CONTENT(BasicReturn)
#undef POSTHORN_AMQP_CONTENT

}  // namespace posthorn::wire::amqp
