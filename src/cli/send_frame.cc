#include "send_frame.h"

#include <fmt/format.h>

#include <string_view>

#include "base/check.h"
#include "wire/remoting/frame_writer.h"

namespace posthorn::cli {
namespace remoting = wire::remoting;
namespace {

// Stand in the form where the numbers go; told from everything else by what they are.
constexpr std::string_view kBorn = "1000000000001";
constexpr std::string_view kKey = "7F00000100000000AAAAAAAAAAAAAAAA";
constexpr std::size_t kKeyVaries = 16;  // the last digits of the key are the sequence
constexpr std::size_t kBinaryOpaque = 8 + 5;
constexpr std::string_view kJsonOpaque = "\"opaque\":";

std::size_t place_of(const Buffer& bytes, std::string_view text) {
    const std::size_t at = as_text(bytes.view()).find(text);
    POSTHORN_CHECK(at != std::string_view::npos, "the form of a send request lacks a number");
    return at;
}

void put_decimal(std::byte* last, std::size_t digits, std::uint64_t value) {
    for (; digits > 0; --digits, value /= 10)
        *last-- = static_cast<std::byte>('0' + value % 10);
}

void put_hex(std::byte* last, std::size_t digits, std::uint64_t value) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    for (; digits > 0; --digits, value >>= 4)
        *last-- = static_cast<std::byte>(kDigits[value & 15]);
}

}  // namespace

SendFrame::SendFrame(Shape shape) : shape_(std::move(shape)) {
    for (std::uint32_t queue = 0; queue < shape_.queues; ++queue)
        forms_.push_back(make_form(queue));
}

SendFrame::Form SendFrame::make_form(std::uint32_t queue) const {
    Form form;
    auto writer =
        remoting::FrameWriter::request(form.bytes, shape_.encoding, remoting::RequestCode::send_message_v2,
                                       static_cast<std::int32_t>(kOpaqueBase), shape_.oneway);
    writer.field("a", shape_.group);
    writer.field("b", shape_.topic);
    writer.field("c", "TBW102");
    writer.field("d", shape_.queues);
    writer.field("e", queue);
    writer.field("f", 0);
    writer.field("g", kBorn);
    writer.field("h", 0);
    writer.field("i", fmt::format("UNIQ_KEY\x01{}\x02WAIT\x01true\x02{}", kKey, shape_.extra_properties));
    writer.field("j", 0);
    writer.field("k", false);
    writer.field("m", false);
    Buffer& out = writer.body();
    form.body = out.size();
    out.append(std::string(shape_.body_size, 'x'));
    const auto finished = writer.finish();
    POSTHORN_CHECK(finished.ok(), "a send request over the frame limit");
    form.opaque = shape_.encoding == remoting::Encoding::json
                      ? place_of(form.bytes, kJsonOpaque) + kJsonOpaque.size()
                      : kBinaryOpaque;
    form.born = place_of(form.bytes, kBorn);
    form.key = place_of(form.bytes, kKey);
    return form;
}

void SendFrame::append(Buffer& out, const Numbers& numbers) const {
    const Form& form = forms_[numbers.queue];
    std::byte* to = out.extend(form.bytes.size());
    std::memcpy(to, form.bytes.data(), form.bytes.size());
    const std::uint32_t opaque = kOpaqueBase + numbers.opaque;
    if (shape_.encoding == remoting::Encoding::json)
        put_decimal(to + form.opaque + 9, 10, opaque);
    else
        store_be(to + form.opaque, opaque);
    put_decimal(to + form.born + kBorn.size() - 1, kBorn.size(), static_cast<std::uint64_t>(numbers.wall_ms));
    put_hex(to + form.key + kKey.size() - 1, kKeyVaries, numbers.stamp.sequence);
    if (shape_.body_size >= kStampSize) write_stamp(to + form.body, numbers.stamp);
}

}  // namespace posthorn::cli
