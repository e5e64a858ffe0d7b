#include "wire/remoting/send_reply.h"

#include <cstring>

#include "base/check.h"
#include "decimal.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/frame_writer.h"

namespace posthorn::wire::remoting {
namespace {

constexpr std::size_t kLengths = 8;
/// In a binary frame, behind the lengths: code 16, language 8, version 16; opaque 32; flag 32, remark's
/// length 32.
constexpr std::size_t kBinaryFieldsLength = kLengths + 5 + 4 + 8;
constexpr std::size_t kLongestId = 56;

// What stands in the frame that is cut to pieces, told from everything else by what it is.
constexpr std::int32_t kOpaque = 1'000'000'001;
constexpr std::string_view kId = "THE MESSAGE ID";
constexpr std::int32_t kQueue = 1'000'000'002;
constexpr std::int64_t kOffset = 1'000'000'003;

char* put(char* to, std::string_view text) {
    std::memcpy(to, text.data(), text.size());
    return to + text.size();
}

template <std::integral T>
char* put_be(char* to, T value) {
    store_be(reinterpret_cast<std::byte*>(to), value);
    return to + sizeof value;
}

char* put_id(char* to, const MessageId& id) {
    const std::string_view text = id.view();
    if (text.size() != 32) [[unlikely]]
        return put(to, text);
    std::memcpy(to, text.data(), 32);
    return to + 32;
}

/// A number as a binary field's value: its length, then its digits.
char* put_sized_decimal(char* to, std::int64_t value) {
    char* const end = put_decimal(to + 4, value);
    put_be(to, static_cast<std::uint32_t>(end - to - 4));
    return end;
}

}  // namespace

SendReply::SendReply(std::string_view region, bool trace_on)
    : json_(make(Encoding::json, region, trace_on)), binary_(make(Encoding::binary, region, trace_on)) {}

SendReply::Form SendReply::make(Encoding encoding, std::string_view region, bool trace_on) {
    Buffer frame;
    auto writer = FrameWriter::response(frame, {encoding, kOpaque}, ResponseCode::success);
    writer.field("msgId", kId);
    writer.field("queueId", kQueue);
    writer.field("queueOffset", kOffset);
    writer.field("MSG_REGION", region);
    writer.field("TRACE_ON", trace_on);
    POSTHORN_CHECK(writer.finish().ok(), "a send's reply over the frame limit");

    const bool json = encoding == Encoding::json;
    std::byte opaque[4];
    store_be(opaque, kOpaque);
    const std::array<std::string, 4> values{json ? std::to_string(kOpaque) : std::string(as_text(opaque)),
                                            std::string(kId), std::to_string(kQueue),
                                            std::to_string(kOffset)};
    Form form;
    std::string_view left = as_text(frame.view());
    for (std::size_t n = 0; n < values.size(); ++n) {
        const std::size_t at = left.find(values[n]);
        POSTHORN_CHECK(at != std::string_view::npos, "a send's reply without one of its values");
        Stretch& stretch = form.before[n];
        stretch.size = at - (json || n == 0 ? 0 : 4);  // a binary value's length is written with it
        POSTHORN_CHECK(stretch.size <= stretch.text.size(), "a stretch of a send's reply that is too long");
        std::memcpy(stretch.text.data(), left.data(), stretch.size);
        left.remove_prefix(at + values[n].size());
    }
    form.rest = left;
    return form;
}

inline char* SendReply::put(char* to, const Stretch& stretch) {
    std::memcpy(to, stretch.text.data(), stretch.text.size());
    return to + stretch.size;
}

char* SendReply::put_json(char* to, std::int32_t opaque, const MessageId& id, std::int32_t queue,
                          std::int64_t queue_offset) const {
    to = put_decimal(put(to, json_.before[0]), opaque);
    to = put_id(put(to, json_.before[1]), id);
    to = put_decimal(put(to, json_.before[2]), queue);
    to = put_decimal(put(to, json_.before[3]), queue_offset);
    return remoting::put(to, json_.rest);
}

char* SendReply::put_binary(char* const from, std::int32_t opaque, const MessageId& id, std::int32_t queue,
                            std::int64_t queue_offset) const {
    char* to = put_be(put(from, binary_.before[0]), opaque);
    to = put_be(put(to, binary_.before[1]), static_cast<std::uint32_t>(id.view().size()));
    to = put_id(to, id);
    to = put_sized_decimal(put(to, binary_.before[2]), queue);
    to = put_sized_decimal(put(to, binary_.before[3]), queue_offset);
    to = remoting::put(to, binary_.rest);
    char* const fields = from + kBinaryFieldsLength;
    put_be(fields, static_cast<std::uint32_t>(to - fields - 4));
    return to;
}

void SendReply::append(Buffer& out, ReplyTo to, const MessageId& id, std::int32_t queue,
                       std::int64_t queue_offset) const {
    const bool json = to.encoding == Encoding::json;
    const Form& form = json ? json_ : binary_;
    const std::size_t start = out.size();
    const std::size_t room =
        form.before.size() * sizeof(Stretch::text) + kLongestId + 3 * (4 + kDecimalRoom) + form.rest.size();
    char* const from = reinterpret_cast<char*>(out.extend(room));
    char* const end = json ? put_json(from, to.opaque, id, queue, queue_offset)
                           : put_binary(from, to.opaque, id, queue, queue_offset);
    const auto size = static_cast<std::size_t>(end - from);
    put_be(from, static_cast<std::uint32_t>(size - 4));
    put_be(from + 4,
           static_cast<std::uint32_t>(to.encoding) << 24 | static_cast<std::uint32_t>(size - kLengths));
    out.resize(start + size);
}

}  // namespace posthorn::wire::remoting
