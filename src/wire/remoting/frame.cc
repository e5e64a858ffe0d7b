#include "wire/remoting/frame.h"

#include <fmt/format.h>

namespace posthorn::wire::remoting {
namespace {

constexpr std::size_t kLengths = 8;

Error bad_length(Bytes stream, std::uint32_t length, std::uint32_t max_length) {
    // Length 0x16030100 or more: a TLS hello read as a number. "GET ", "POST": somebody opened us in a
    // browser.
    if (stream[0] == std::byte{0x16}) return {Errc::invalid, "a TLS handshake on a plaintext connection"};
    const auto text = as_text(stream.first(4));
    if (text == "GET " || text == "POST" || text == "HEAD" || text == "PUT ")
        return {Errc::invalid, "an HTTP request on the remoting port"};
    if (length < 4)
        return {Errc::invalid, fmt::format("frame length {} leaves no room for a header length", length)};
    return {Errc::invalid, fmt::format("frame length {} is over the limit of {}", length, max_length)};
}

}  // namespace

Result<FrameScan> scan_frame(Bytes stream, std::uint32_t max_length) {
    Result<FrameScan> result{FrameScan{}};  // filled where it is returned: every frame comes by here
    FrameScan& scan = *result;
    scan.needed = kLengths;
    if (stream.size() < 4) return result;
    const auto length = load_be<std::uint32_t>(stream.data());
    if (length < 4 || length > max_length) return bad_length(stream, length, max_length);
    if (stream.size() < kLengths) return result;

    const auto mark = load_be<std::uint32_t>(stream.data() + 4);
    const std::uint32_t encoding = mark >> 24;
    const std::uint32_t header = mark & 0xFFFFFF;
    if (encoding > 1)
        return Error{Errc::invalid,
                     fmt::format("header encoding {} is neither JSON (0) nor binary (1)", encoding)};
    if (header > length - 4)
        return Error{Errc::invalid,
                     fmt::format("header length {} does not fit a frame of length {}", header, length)};

    scan.needed = std::size_t{length} + 4;
    if (stream.size() < scan.needed) return result;
    scan.complete = true;
    scan.frame.encoding = static_cast<Encoding>(encoding);
    scan.frame.header = stream.subspan(kLengths, header);
    scan.frame.body = stream.subspan(kLengths + header, length - 4 - header);
    scan.frame.size = scan.needed;
    return result;
}

}  // namespace posthorn::wire::remoting
