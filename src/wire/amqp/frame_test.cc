#include "wire/amqp/frame.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace posthorn::wire::amqp {
namespace {

using Step = FrameSplitter::Step;

Buffer frame_bytes(std::uint8_t type, std::uint16_t channel, std::string_view payload,
                   std::uint8_t end = 0xCE) {
    Buffer out;
    out.be(type);
    out.be(channel);
    out.be(static_cast<std::uint32_t>(payload.size()));
    out.append(payload);
    out.be(end);
    return out;
}

Buffer head(std::uint8_t type, std::uint16_t channel, std::uint32_t size) {
    Buffer out;
    out.be(type);
    out.be(channel);
    out.be(size);
    return out;
}

TEST(FrameSplitter, FindsAFrameOnlyWhenItsLastByteIsHere) {
    const Buffer bytes = frame_bytes(1, 513, "payload");
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        FrameSplitter splitter(bytes.view().first(size), kDefaultFrameMax);
        Frame frame;
        EXPECT_EQ(splitter.next(frame), Step::incomplete) << size;
        EXPECT_EQ(splitter.consumed(), 0u);
        EXPECT_EQ(splitter.needed(), size < kFrameHead ? kFrameHead : bytes.size()) << size;
    }
    FrameSplitter splitter(bytes.view(), kDefaultFrameMax);
    Frame frame;
    ASSERT_EQ(splitter.next(frame), Step::frame);
    EXPECT_EQ(frame.type, FrameType::method);
    EXPECT_EQ(frame.channel, 513);
    EXPECT_EQ(as_text(frame.payload), "payload");
    EXPECT_EQ(frame.payload.data(), bytes.data() + kFrameHead) << "a view, not a copy";
    EXPECT_EQ(splitter.consumed(), bytes.size());
    EXPECT_EQ(splitter.next(frame), Step::incomplete);
}

TEST(FrameSplitter, GivesOutOneFrameAfterTheOther) {
    Buffer bytes = frame_bytes(3, 1, "first");
    bytes.append(frame_bytes(8, 0, "").view());
    bytes.append(frame_bytes(2, 2, "third").view().first(6));
    FrameSplitter splitter(bytes.view(), kDefaultFrameMax);
    Frame frame;
    ASSERT_EQ(splitter.next(frame), Step::frame);
    EXPECT_EQ(as_text(frame.payload), "first");
    ASSERT_EQ(splitter.next(frame), Step::frame);
    EXPECT_EQ(frame.type, FrameType::heartbeat);
    EXPECT_TRUE(frame.payload.empty());
    EXPECT_EQ(splitter.next(frame), Step::incomplete);
    EXPECT_EQ(splitter.consumed(), bytes.size() - 6);
}

TEST(FrameSplitter, RefusesAWrongEnd) {
    const Buffer bytes = frame_bytes(1, 1, std::string_view("\0\x3c\0\x6e\1", 5), 0);
    FrameSplitter splitter(bytes.view(), kDefaultFrameMax);
    Frame frame;
    ASSERT_EQ(splitter.next(frame), Step::broken);
    EXPECT_EQ(splitter.consumed(), 0u);
    const Violation violation = splitter.violation();
    EXPECT_EQ(violation.code, ReplyCode::frame_error);
    EXPECT_EQ(violation.detail, "type 1, all octets = <<0,60,0,110,1>>: {invalid_frame_end_marker,0}");
}

TEST(FrameSplitter, RefusesAGiantBeforeItsBytesCome) {
    const Buffer bytes = head(3, 1, 131'073);
    Frame frame;
    FrameSplitter early(bytes.view().first(6), 131'072);
    EXPECT_EQ(early.next(frame), Step::incomplete);
    FrameSplitter splitter(bytes.view(), 131'072);
    ASSERT_EQ(splitter.next(frame), Step::broken);
    EXPECT_EQ(splitter.violation().detail, "type 3, all octets = <<>>: {frame_too_large,131073,131064}");
}

TEST(FrameSplitter, ForgivesEightBytesOverTheLimit) {
    Frame frame;
    const Buffer forgiven = head(3, 1, 4096);
    EXPECT_EQ(FrameSplitter(forgiven.view(), 4096).next(frame), Step::incomplete);
    const Buffer refused = head(3, 1, 4097);
    EXPECT_EQ(FrameSplitter(refused.view(), 4096).next(frame), Step::broken);
}

TEST(FrameSplitter, HasNoLimitWhenFrameMaxIsZero) {
    Frame frame;
    const Buffer bytes = head(3, 1, 0xFFFF'FFFF);
    FrameSplitter splitter(bytes.view(), 0);
    EXPECT_EQ(splitter.next(frame), Step::incomplete);
    EXPECT_EQ(splitter.needed(), std::size_t{0xFFFF'FFFF} + kFrameOverhead);
}

TEST(FrameSplitter, TakesANewLimitForTheNextFrame) {
    Buffer bytes = frame_bytes(1, 0, "tune-ok");
    bytes.append(head(1, 0, 50'000).view());
    FrameSplitter splitter(bytes.view(), kHandshakeFrameMax);
    Frame frame;
    ASSERT_EQ(splitter.next(frame), Step::frame);
    splitter.set_frame_max(kDefaultFrameMax);
    EXPECT_EQ(splitter.next(frame), Step::incomplete);
}

TEST(Frames, UnknownOnesAreNamedAsRabbitNamesThem) {
    const Buffer text = frame_bytes(9, 1, "hello");
    Frame frame;
    FrameSplitter splitter(text.view(), kDefaultFrameMax);
    ASSERT_EQ(splitter.next(frame), Step::frame) << "read to its end first";
    EXPECT_EQ(unknown_frame(frame).code, ReplyCode::frame_error);
    EXPECT_EQ(unknown_frame(frame).detail, "type 9, all octets = <<\"hello\">>: unknown_frame");

    frame.payload = as_bytes("hello, a long one here");
    EXPECT_EQ(unknown_frame(frame).detail,
              "type 9, first 16 octets = <<\"hello, a long on\">>: unknown_frame");
}

TEST(Frames, UnexpectedOnesAreNamedAsRabbitNamesThem) {
    const Frame heartbeat{FrameType::heartbeat, 1, {}};
    EXPECT_EQ(unexpected_frame(heartbeat).code, ReplyCode::unexpected_frame);
    EXPECT_EQ(unexpected_frame(heartbeat).detail, "type 8, all octets = <<>>");
}

TEST(Frames, AHeartbeatIsEightBytes) {
    Buffer out;
    out.append("before");
    append_heartbeat(out);
    EXPECT_EQ(as_text(out.view()), std::string_view("before\x08\0\0\0\0\0\0\xCE", 14));
}

}  // namespace
}  // namespace posthorn::wire::amqp
