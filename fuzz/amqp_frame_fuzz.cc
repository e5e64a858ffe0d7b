// A stream of frames, its first byte saying where it is cut. What the whole stream yields, frame by frame and
// content by content, the two parts must yield too, the first part's memory gone before the second is read.

#include <string>
#include <vector>

#include "fuzz.h"
#include "wire/amqp/content_assembler.h"
#include "wire/amqp/protocol_header.h"

using namespace posthorn;
using namespace posthorn::wire::amqp;

namespace {

constexpr std::uint32_t kFrameMax = 4096;

/// What a session would have seen, in words.
struct Seen {
    ContentAssembler assembler{std::uint64_t{1} << 20};
    std::vector<std::string> events;
    bool broken = false;

    std::size_t read(Bytes stream) {
        FrameSplitter splitter(stream, kFrameMax);
        Frame frame;
        FrameSplitter::Step step = FrameSplitter::Step::incomplete;
        while (!broken && (step = splitter.next(frame)) == FrameSplitter::Step::frame)
            take(frame);
        if (step == FrameSplitter::Step::broken) {
            events.push_back(splitter.violation().detail);
            broken = true;
        } else if (!broken) {
            POSTHORN_CHECK(splitter.needed() > stream.size() - splitter.consumed(),
                           "more bytes would not help");
        }
        assembler.keep();
        return splitter.consumed();
    }

    void take(const Frame& frame) {
        touch(frame.payload);
        switch (assembler.feed(frame)) {
            case ContentAssembler::Step::more:
                POSTHORN_CHECK(assembler.waiting(), "more of nothing");
                return;
            case ContentAssembler::Step::method:
                events.emplace_back(as_text(frame.payload));
                return;
            case ContentAssembler::Step::content:
                events.emplace_back(as_text(assembler.content().method));
                events.emplace_back(as_text(assembler.content().properties));
                events.emplace_back(as_text(assembler.content().body));
                return;
            case ContentAssembler::Step::violation:
                POSTHORN_CHECK(!name(assembler.violation().code).empty(), "a violation without a name");
                events.push_back(assembler.violation().detail);
                broken = true;
        }
    }
};

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const Bytes stream = input(data + 1, size - 1);
    scan_protocol_header(stream);

    Seen whole;
    whole.read(stream);

    Seen parts;
    const std::size_t cut = stream.size() * data[0] / 255;
    std::size_t consumed = 0;
    {
        const std::vector<std::byte> first(stream.begin(), stream.begin() + static_cast<std::ptrdiff_t>(cut));
        consumed = parts.read(first);
    }
    if (!parts.broken) parts.read(stream.subspan(consumed));
    POSTHORN_CHECK(whole.events == parts.events, "the parts are not the whole");
    return 0;
}
