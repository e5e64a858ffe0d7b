// Two headers, the first as long as the first two bytes say: the second is read by the form of the first, if
// it has one, and must then be what decoding makes of it.

#include <algorithm>

#include "fuzz.h"
#include "wire/remoting/send_form.h"

using namespace posthorn;
using namespace posthorn::wire::remoting;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::size_t length = std::min<std::size_t>(data[0] << 8 | data[1], size - 2);
    const auto form = SendForm::of(Encoding::json, input(data + 2, length));
    if (!form) return 0;
    const Bytes second = input(data + 2 + length, size - 2 - length);
    Buffer scratch;
    if (!form->read(second, scratch)) return 0;

    HeaderDecoder decoder;
    const auto decoded = decoder.decode(Encoding::json, second);
    POSTHORN_CHECK(decoded.ok(), "a form reads what does not decode");
    const Header& header = **decoded;
    POSTHORN_CHECK(header.opaque == form->header().opaque && header.code == form->header().code &&
                       header.flag == form->header().flag && header.version == form->header().version,
                   "a form reads another header");
    POSTHORN_CHECK(
        std::equal(header.fields().begin(), header.fields().end(), form->header().fields().begin(),
                   form->header().fields().end(),
                   [](const Field& a, const Field& b) { return a.key == b.key && a.value == b.value; }),
        "a form reads other fields");
    const auto request = read_send_request(header);
    POSTHORN_CHECK(request.ok(), "a form reads what is no send");
    POSTHORN_CHECK(
        request->queue_id == form->request().queue_id && request->born_ms == form->request().born_ms &&
            request->properties == form->request().properties && request->topic == form->request().topic,
        "a form reads another send");
    return 0;
}
