#include "wire/remoting/frame.h"

#include <gtest/gtest.h>

#include <string>

namespace posthorn::wire::remoting {
namespace {

Buffer frame_bytes(Encoding encoding, std::string_view header, std::string_view body) {
    Buffer out;
    out.be(static_cast<std::uint32_t>(4 + header.size() + body.size()));
    out.be(static_cast<std::uint32_t>(encoding) << 24 | static_cast<std::uint32_t>(header.size()));
    out.append(header);
    out.append(body);
    return out;
}

Buffer lengths(std::uint32_t length, std::uint32_t mark) {
    Buffer out;
    out.be(length);
    out.be(mark);
    return out;
}

TEST(ScanFrame, FindsTheFrameOnlyWhenItsLastByteIsHere) {
    const Buffer bytes = frame_bytes(Encoding::binary, "header", "body!");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        auto scan = scan_frame(bytes.view().first(size));
        ASSERT_TRUE(scan.ok()) << size;
        EXPECT_FALSE(scan->complete) << size;
        EXPECT_EQ(scan->needed, size < 8 ? 8 : bytes.size()) << size;
    }
    auto scan = scan_frame(bytes.view());
    ASSERT_TRUE(scan.ok());
    EXPECT_TRUE(scan->complete);
    EXPECT_EQ(scan->needed, bytes.size());
    EXPECT_EQ(scan->frame.size, bytes.size());
    EXPECT_EQ(scan->frame.encoding, Encoding::binary);
    EXPECT_EQ(as_text(scan->frame.header), "header");
    EXPECT_EQ(as_text(scan->frame.body), "body!");
}

TEST(ScanFrame, LeavesTheNextFrameAlone) {
    Buffer bytes = frame_bytes(Encoding::json, "{}", "");
    const std::size_t first = bytes.size();
    bytes.append(frame_bytes(Encoding::json, "{...}", "x").view());
    auto scan = scan_frame(bytes.view());
    ASSERT_TRUE(scan.ok() && scan->complete);
    EXPECT_EQ(scan->frame.size, first);
    EXPECT_TRUE(scan->frame.body.empty());
    auto next = scan_frame(bytes.view().subspan(first));
    ASSERT_TRUE(next.ok() && next->complete);
    EXPECT_EQ(as_text(next->frame.header), "{...}");
}

TEST(ScanFrame, RefusesLengthsThatLie) {
    EXPECT_FALSE(scan_frame(lengths(3, 0).view()).ok());
    EXPECT_FALSE(scan_frame(lengths(kMaxFrameLength + 1, 0).view()).ok());
    EXPECT_FALSE(scan_frame(lengths(0xFFFFFFFF, 0).view()).ok());
    EXPECT_FALSE(scan_frame(lengths(20, 17).view()).ok()) << "header longer than its frame";
    EXPECT_TRUE(scan_frame(lengths(20, 16).view()).ok());
    EXPECT_FALSE(scan_frame(lengths(20, 2u << 24 | 10).view()).ok()) << "encoding 2";
    EXPECT_TRUE(scan_frame(lengths(kMaxFrameLength, 0).view()).ok());
    EXPECT_FALSE(scan_frame(lengths(1000, 0).view(), 999).ok()) << "over the caller's own limit";
}

TEST(ScanFrame, RefusesAGiantBeforeItsBytesCome) {
    const Buffer bytes = lengths(kMaxFrameLength + 1, 0);
    EXPECT_TRUE(scan_frame(bytes.view().first(3)).ok());
    EXPECT_FALSE(scan_frame(bytes.view().first(4)).ok());
}

TEST(ScanFrame, NamesOtherProtocols) {
    const auto tls = scan_frame(as_bytes(std::string_view("\x16\x03\x01\x02\x00", 5)));
    ASSERT_FALSE(tls.ok());
    EXPECT_NE(tls.error().message.find("TLS"), std::string::npos);
    const auto http = scan_frame(as_bytes("GET / HTTP/1.1\r\n"));
    ASSERT_FALSE(http.ok());
    EXPECT_NE(http.error().message.find("HTTP"), std::string::npos);
}

}  // namespace
}  // namespace posthorn::wire::remoting
