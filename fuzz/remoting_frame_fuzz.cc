// A stream of frames: what the whole stream yields, the same stream fed byte by byte must yield.

#include "fuzz.h"
#include "wire/remoting/frame.h"

using namespace posthorn;
using namespace posthorn::wire::remoting;

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Bytes stream = input(data, size);
    while (true) {
        const auto whole = scan_frame(stream);
        for (std::size_t part = 0; part <= stream.size() && part < 64; ++part) {
            const auto scan = scan_frame(stream.first(part));
            POSTHORN_CHECK(!whole.ok() || scan.ok(), "a shorter stream fails where the longer one does not");
            if (!scan.ok() || scan->complete) continue;
            POSTHORN_CHECK(scan->needed > part, "more bytes would not help");
            POSTHORN_CHECK(!whole.ok() || !whole->complete || scan->needed <= whole->frame.size,
                           "asks for more than the frame");
        }
        if (!whole.ok() || !whole->complete) return 0;
        const Frame& frame = whole->frame;
        touch(frame.header);
        touch(frame.body);
        POSTHORN_CHECK(frame.size == 8 + frame.header.size() + frame.body.size(),
                       "the parts are not the whole");
        stream = stream.subspan(frame.size);
    }
}
