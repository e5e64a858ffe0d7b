// Frames recorded from real clients and brokers: tests/golden/remoting/<case>.hex, one frame each, with
// <case>.txt saying who sent it. Each is decoded whole, at every split, and truncated at every length.

#include <gtest/gtest.h>

#include <vector>

#include "golden_for_test.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/header.h"
#include "wire/remoting/message.h"
#include "wire/remoting/send_request.h"

namespace posthorn::wire::remoting {
namespace {

void check_frame(Bytes bytes) {
    HeaderDecoder decoder;
    auto scan = scan_frame(bytes);
    ASSERT_TRUE(scan.ok()) << scan.error().message;
    ASSERT_TRUE(scan->complete);
    EXPECT_EQ(scan->frame.size, bytes.size());
    auto header = decoder.decode(scan->frame);
    ASSERT_TRUE(header.ok()) << header.error().message;
    const auto code = static_cast<RequestCode>((*header)->code);
    if ((*header)->is_response()) return;
    EXPECT_FALSE(name(code).empty()) << "a code without a name: " << (*header)->code;
    if (code == RequestCode::send_message || code == RequestCode::send_message_v2 ||
        code == RequestCode::send_batch_message) {
        auto request = read_send_request(**header);
        EXPECT_TRUE(request.ok()) << request.error().message;
    }
}

TEST(GoldenFrames, DecodeWhole) {
    for (const Golden& golden : recorded()) {
        SCOPED_TRACE(golden.name);
        check_frame(golden.bytes);
    }
}

TEST(GoldenFrames, AreIncompleteAtEveryShorterLength) {
    for (const Golden& golden : recorded()) {
        SCOPED_TRACE(golden.name);
        for (std::size_t size = 0; size < golden.bytes.size(); ++size) {
            const std::vector<std::byte> part(golden.bytes.begin(),
                                              golden.bytes.begin() + static_cast<std::ptrdiff_t>(size));
            auto scan = scan_frame(part);
            ASSERT_TRUE(scan.ok()) << size;
            ASSERT_FALSE(scan->complete) << size;
            ASSERT_GT(scan->needed, size);
        }
    }
}

TEST(GoldenFrames, TruncatedHeadersAreErrors) {
    for (const Golden& golden : recorded()) {
        SCOPED_TRACE(golden.name);
        auto scan = scan_frame(golden.bytes);
        ASSERT_TRUE(scan.ok() && scan->complete);
        HeaderDecoder decoder;
        // The native client ends its JSON with a newline; without that the header is still whole.
        std::size_t whole = scan->frame.header.size();
        while (whole > 0 && scan->frame.encoding == Encoding::json &&
               as_text(scan->frame.header)[whole - 1] != '}')
            --whole;
        for (std::size_t size = 0; size < whole; ++size) {
            const Bytes view = scan->frame.header.first(size);
            const std::vector<std::byte> part(view.begin(), view.end());
            EXPECT_FALSE(decoder.decode(scan->frame.encoding, part).ok()) << size;
        }
    }
}

}  // namespace
}  // namespace posthorn::wire::remoting
