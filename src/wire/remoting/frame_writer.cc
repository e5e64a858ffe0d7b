#include "wire/remoting/frame_writer.h"

#include <fmt/format.h>

#include <cstring>
#include <limits>

#include "decimal.h"
#include "json_text.h"
#include "text_scan.h"

namespace posthorn::wire::remoting {
namespace {

constexpr std::size_t kLengths = 8;

char* put(char* to, std::string_view text) {
    std::memcpy(to, text.data(), text.size());
    return to + text.size();
}

char* text_at(std::byte* bytes) {
    return reinterpret_cast<char*>(bytes);
}

constexpr std::string_view kCode = R"({"code":)";
constexpr std::string_view kFlag = R"(,"flag":)";
constexpr std::string_view kOpaque = R"(,"language":"JAVA","opaque":)";
constexpr std::string_view kVersion = R"(,"serializeTypeCurrentRPC":"JSON","version":)";
constexpr std::string_view kRemark = R"(,"remark":")";
constexpr std::string_view kFields = R"(,"extFields":{)";

}  // namespace

FrameWriter FrameWriter::response(Buffer& out, ReplyTo to, ResponseCode code, std::string_view remark) {
    return {out, to.encoding, static_cast<std::int32_t>(code), to.opaque, kFlagResponse, remark};
}

FrameWriter FrameWriter::request(Buffer& out, Encoding encoding, RequestCode code, std::int32_t opaque,
                                 bool oneway) {
    return {out, encoding, static_cast<std::int32_t>(code), opaque, oneway ? kFlagOneway : 0, {}};
}

FrameWriter::FrameWriter(Buffer& out, Encoding encoding, std::int32_t code, std::int32_t opaque,
                         std::int32_t flag, std::string_view remark)
    : out_(&out), encoding_(encoding), start_(out.size()) {
    if (encoding == Encoding::json)
        json_head(code, opaque, flag, remark);
    else
        binary_head(code, opaque, flag, remark);
}

void FrameWriter::json_head(std::int32_t code, std::int32_t opaque, std::int32_t flag,
                            std::string_view remark) {
    constexpr std::size_t kRoom =
        kLengths + kCode.size() + kFlag.size() + kOpaque.size() + kVersion.size() + 4 * kDecimalRoom;
    char* const from = text_at(out_->extend(kRoom));
    char* to = put_decimal(put(from + kLengths, kCode), code);
    to = put_decimal(put(to, kFlag), flag);
    to = put_decimal(put(to, kOpaque), opaque);
    to = put_decimal(put(to, kVersion), kWireVersion);
    out_->resize(start_ + static_cast<std::size_t>(to - from));
    if (remark.empty()) return;
    out_->append(kRemark);
    append_json_escaped(*out_, remark);
    out_->append("\"");
}

void FrameWriter::binary_head(std::int32_t code, std::int32_t opaque, std::int32_t flag,
                              std::string_view remark) {
    POSTHORN_CHECK(
        code >= std::numeric_limits<std::int16_t>::min() && code <= std::numeric_limits<std::int16_t>::max(),
        "a code of more than 16 bits in a binary header");
    std::byte* to = out_->extend(kLengths + 17 + remark.size() + 4) + kLengths;
    store_be(to, static_cast<std::int16_t>(code));
    to[2] = static_cast<std::byte>(Language::java);
    store_be(to + 3, static_cast<std::int16_t>(kWireVersion));
    store_be(to + 5, opaque);
    store_be(to + 9, flag);
    store_be(to + 13, static_cast<std::uint32_t>(remark.size()));
    if (!remark.empty()) std::memcpy(to + 17, remark.data(), remark.size());
    fields_ = out_->size() - 4;
}

/// Everything up to where the value starts, and `room` bytes there; the caller gives back what it leaves.
char* FrameWriter::begin_field(std::string_view key, std::size_t room) {
    POSTHORN_CHECK(body_ == 0, "a header field after the header was ended");
    if (encoding_ == Encoding::binary) {
        std::byte* to = out_->extend(2 + key.size() + 4 + room);
        store_be(to, static_cast<std::uint16_t>(key.size()));
        std::memcpy(to + 2, key.data(), key.size());
        return text_at(to) + 2 + key.size() + 4;
    }
    const bool first = fields_ == 0;
    if (first) out_->append(kFields);
    fields_ = 1;
    char* to = text_at(out_->extend((first ? 0 : 1) + 1 + key.size() + 3 + room));
    if (!first) *to++ = ',';
    *to++ = '"';
    return put(put(to, key), R"(":")");
}

void FrameWriter::field(std::string_view key, std::string_view value) {
    if (encoding_ == Encoding::binary) {
        char* to = begin_field(key, value.size());
        if (!value.empty()) std::memcpy(to, value.data(), value.size());
        out_->patch_be(out_->size() - value.size() - 4, static_cast<std::uint32_t>(value.size()));
        return;
    }
    const char* const end = value.data() + value.size();
    if (find_unescaped(value.data(), end) == end) {
        *put(begin_field(key, value.size() + 1), value) = '"';
        return;
    }
    begin_field(key, 0);
    append_json_escaped(*out_, value);
    out_->append("\"");
}

void FrameWriter::field(std::string_view key, std::int64_t value) {
    char* const from = begin_field(key, kDecimalRoom + 1);
    char* to = put_decimal(from, value);
    const auto size = static_cast<std::size_t>(to - from);
    if (encoding_ == Encoding::json) *to++ = '"';
    out_->resize(out_->size() - (kDecimalRoom + 1) + static_cast<std::size_t>(to - from));
    if (encoding_ == Encoding::binary)
        out_->patch_be(out_->size() - size - 4, static_cast<std::uint32_t>(size));
}

Buffer& FrameWriter::body() {
    if (body_ != 0) return *out_;
    if (encoding_ == Encoding::json)
        out_->append(fields_ ? "}}" : "}");
    else
        out_->patch_be(fields_, static_cast<std::uint32_t>(out_->size() - fields_ - 4));
    body_ = out_->size();
    return *out_;
}

Result<void> FrameWriter::finish() {
    body();
    const std::size_t header = body_ - start_ - kLengths;
    const std::size_t length = out_->size() - start_ - 4;
    if (length > kMaxWrittenLength || header > 0xFFFFFF) {
        cancel();
        return Error{Errc::invalid,
                     fmt::format("a frame of {} bytes is over the limit of {}", length, kMaxWrittenLength)};
    }
    out_->patch_be(start_, static_cast<std::uint32_t>(length));
    out_->patch_be(start_ + 4,
                   static_cast<std::uint32_t>(encoding_) << 24 | static_cast<std::uint32_t>(header));
    return {};
}

}  // namespace posthorn::wire::remoting
