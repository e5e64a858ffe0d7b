// Both encodings (the first byte chooses). What decodes is written again and must come back the same.

#include "fuzz.h"
#include "wire/remoting/frame_writer.h"
#include "wire/remoting/header.h"
#include "wire/remoting/send_request.h"

using namespace posthorn;
using namespace posthorn::wire::remoting;

namespace {

void check_round_trip(const Header& header, Encoding encoding) {
    Buffer out;
    auto writer = FrameWriter::response(out, {encoding, header.opaque}, ResponseCode::success, header.remark);
    for (const Field& field : header.fields()) {
        // Keys are our own constants and written as they are: only plain ones come back.
        bool plain = true;
        for (const char c : field.key)
            plain = plain && c > 0x20 && c != '"' && c != '\\';
        if (plain) writer.field(field.key, field.value);
    }
    if (!writer.finish()) return;
    const auto scan = scan_frame(out.view());
    POSTHORN_CHECK(scan.ok() && scan->complete, "our own frame is not whole");
    HeaderDecoder decoder;
    const auto back = decoder.decode(scan->frame);
    POSTHORN_CHECK(back.ok(), "our own header does not decode");
    POSTHORN_CHECK((*back)->remark == header.remark && (*back)->opaque == header.opaque,
                   "our own header came back different");
    for (const Field& field : (*back)->fields())
        POSTHORN_CHECK(header.find(field.key)->value == (*back)->text(field.key),
                       "a field came back different");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    static HeaderDecoder decoder;
    const Encoding encoding = data[0] % 2 ? Encoding::binary : Encoding::json;
    const auto decoded = decoder.decode(encoding, input(data + 1, size - 1));
    if (!decoded.ok()) return 0;
    const Header& header = **decoded;
    touch(header.remark);
    for (const Field& field : header.fields()) {
        touch(field.key);
        touch(field.value);
        (void)header.require_int32(field.key);
        (void)header.boolean_or(field.key, false);
    }
    if (const auto request = read_send_request(header)) touch(request->properties);
    check_round_trip(header, Encoding::json);
    check_round_trip(header, Encoding::binary);
    return 0;
}
