#include "wire/amqp/content_assembler.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wire/amqp/decode.h"
#include "wire/amqp/encode.h"

namespace posthorn::wire::amqp {
namespace {

using Step = ContentAssembler::Step;

constexpr std::string_view kProperties("\x10\0\x02", 3);

Buffer publish(std::string_view body, std::uint32_t frame_max = kDefaultFrameMax) {
    Buffer out;
    append_content(out, 1, BasicPublish{.exchange = "ex", .routing_key = "rk"}, as_bytes(kProperties),
                   as_bytes(body), frame_max);
    return out;
}

std::vector<Frame> frames_of(const Buffer& out) {
    std::vector<Frame> frames;
    FrameSplitter splitter(out.view(), 0);
    for (Frame frame; splitter.next(frame) == FrameSplitter::Step::frame;)
        frames.push_back(frame);
    return frames;
}

/// A content header as it may come from a stranger.
std::string header(std::uint64_t body_size, std::uint16_t class_id = kBasicClass, std::uint16_t weight = 0) {
    Buffer out;
    out.be(class_id);
    out.be(weight);
    out.be(body_size);
    out.be(std::uint16_t{0});
    return std::string(as_text(out.view()));
}
Frame frame(FrameType type, std::string_view payload) {
    return {type, 1, as_bytes(payload)};
}

struct Given : testing::Test {
    ContentAssembler assembler;
    Buffer sent = publish("");
    Frame method = frames_of(sent)[0];

    void expect_violation(const Frame& with, ReplyCode code, MethodCode of, std::string_view detail) {
        ASSERT_EQ(assembler.feed(with), Step::violation);
        EXPECT_EQ(assembler.violation().code, code);
        EXPECT_EQ(assembler.violation().method, of);
        EXPECT_EQ(assembler.violation().detail, detail);
        EXPECT_FALSE(assembler.waiting());
    }
};
using ContentAssemblerTest = Given;

TEST_F(ContentAssemblerTest, PutsMethodHeaderAndBodyTogetherWithoutCopying) {
    const Buffer bytes = publish("hello");
    const auto frames = frames_of(bytes);
    EXPECT_EQ(assembler.feed(frames[0]), Step::more);
    EXPECT_TRUE(assembler.waiting());
    EXPECT_EQ(assembler.feed(frames[1]), Step::more);
    ASSERT_EQ(assembler.feed(frames[2]), Step::content);
    EXPECT_FALSE(assembler.waiting());
    const Content& content = assembler.content();
    EXPECT_EQ(content.code, MethodCode::basic_publish);
    BasicPublish decoded;
    ASSERT_TRUE(decode(content.method, decoded));
    EXPECT_EQ(decoded.routing_key, "rk");
    EXPECT_EQ(as_text(content.properties), kProperties);
    EXPECT_EQ(as_text(content.body), "hello");
    EXPECT_EQ(content.body.data(), frames[2].payload.data()) << "not copied";
    EXPECT_EQ(assembler.buffered(), 0u);
}

TEST_F(ContentAssemblerTest, AnEmptyBodyIsWholeWithItsHeader) {
    ASSERT_EQ(assembler.feed(method), Step::more);
    ASSERT_EQ(assembler.feed(frames_of(sent)[1]), Step::content);
    EXPECT_TRUE(assembler.content().body.empty());
}

TEST_F(ContentAssemblerTest, MethodsWithoutContentPassThrough) {
    Buffer out;
    append_method(out, 1, BasicAck{});
    EXPECT_EQ(assembler.feed(frames_of(out)[0]), Step::method);
    const std::string unknown("\0\x3c\3\xE7", 4);
    EXPECT_EQ(assembler.feed(frame(FrameType::method, unknown)), Step::method) << "not its to judge";
}

TEST_F(ContentAssemblerTest, GathersBodiesOfManyFramesAndPassesOverEmptyOnes) {
    std::string body;
    for (int i = 0; i < 20'000; ++i)
        body += static_cast<char>(i);
    const Buffer bytes = publish(body, 4096);
    for (int round = 0; round < 2; ++round) {
        Step last = Step::more;
        for (const Frame& one : frames_of(bytes)) {
            ASSERT_EQ(last, Step::more);
            last = assembler.feed(one);
            if (one.type == FrameType::body && last == Step::more) {
                ASSERT_EQ(assembler.feed(frame(FrameType::body, "")), Step::more);
            }
        }
        ASSERT_EQ(last, Step::content);
        EXPECT_EQ(as_text(assembler.content().body), body);
    }
}

TEST_F(ContentAssemblerTest, KeepsWhatItPointsToWhenTheInputGoes) {
    const Buffer bytes = publish(std::string(10'000, 'b'), 4096);
    Step last = Step::more;
    for (const Frame& one : frames_of(bytes)) {
        // Each frame in memory of its own, overwritten and gone before the next comes.
        std::string own(as_text(one.payload));
        last = assembler.feed({one.type, one.channel, as_bytes(own)});
        assembler.keep();
        assembler.keep();
        own.assign(own.size(), '?');
    }
    ASSERT_EQ(last, Step::content);
    BasicPublish decoded;
    ASSERT_TRUE(decode(assembler.content().method, decoded));
    EXPECT_EQ(decoded.exchange, "ex");
    EXPECT_EQ(as_text(assembler.content().properties), kProperties);
    EXPECT_EQ(as_text(assembler.content().body), std::string(10'000, 'b'));
}

TEST_F(ContentAssemblerTest, AnnouncedSizesAllocateNothing) {
    const std::string announced = header(ContentAssembler::kDefaultMaxBody);
    assembler.feed(method);
    ASSERT_EQ(assembler.feed(frame(FrameType::header, announced)), Step::more);
    assembler.keep();
    EXPECT_LT(assembler.buffered(), 1000u);
    assembler.feed(frame(FrameType::body, "x"));
    EXPECT_LT(assembler.buffered(), 1000u);
}

TEST_F(ContentAssemblerTest, GivesTheMemoryOfAGiantBack) {
    const std::string body(3'000'000, 'x');
    const Buffer bytes = publish(body);
    for (const Frame& one : frames_of(bytes))
        assembler.feed(one);
    EXPECT_GT(assembler.buffered(), body.size() - 1);
    assembler.feed(method);
    EXPECT_LT(assembler.buffered(), 100'000u);
}

TEST_F(ContentAssemblerTest, RefusesContentWithoutAMethod) {
    const auto text = "expected method frame, got non method frame instead";
    const std::string some = header(3);
    expect_violation(frame(FrameType::header, some), ReplyCode::unexpected_frame, MethodCode::none, text);
    expect_violation(frame(FrameType::body, "a"), ReplyCode::unexpected_frame, MethodCode::none, text);
    assembler.feed(method);
    const std::string empty = header(0);
    ASSERT_EQ(assembler.feed(frame(FrameType::header, empty)), Step::content);
    expect_violation(frame(FrameType::body, ""), ReplyCode::unexpected_frame, MethodCode::none, text);
}

TEST_F(ContentAssemblerTest, RefusesAnythingButTheHeaderAfterTheMethod) {
    const auto text = "expected content header for class 60, got non content header frame instead";
    assembler.feed(method);
    expect_violation(method, ReplyCode::unexpected_frame, MethodCode::basic_publish, text);
    assembler.feed(method);
    expect_violation(frame(FrameType::body, "a"), ReplyCode::unexpected_frame, MethodCode::basic_publish,
                     text);
    assembler.feed(method);
    const std::string heavy = header(0, kBasicClass, 1);
    expect_violation(frame(FrameType::header, heavy), ReplyCode::unexpected_frame, MethodCode::basic_publish,
                     text);
}

TEST_F(ContentAssemblerTest, RefusesTheHeaderOfAnotherClass) {
    assembler.feed(method);
    const std::string other = header(0, 50);
    expect_violation(frame(FrameType::header, other), ReplyCode::unexpected_frame, MethodCode::basic_publish,
                     "expected content header for class 60, got one for class 50 instead");
}

TEST_F(ContentAssemblerTest, RefusesAnythingButBodiesAfterTheHeader) {
    const auto text = "expected content body, got non content body frame instead";
    const std::string three = header(3);
    assembler.feed(method);
    assembler.feed(frame(FrameType::header, three));
    expect_violation(method, ReplyCode::unexpected_frame, MethodCode::basic_publish, text);
    assembler.feed(method);
    assembler.feed(frame(FrameType::header, three));
    expect_violation(frame(FrameType::header, three), ReplyCode::unexpected_frame, MethodCode::basic_publish,
                     text);
}

TEST_F(ContentAssemblerTest, RefusesMoreBodyThanAnnounced) {
    const std::string three = header(3);
    assembler.feed(method);
    assembler.feed(frame(FrameType::header, three));
    assembler.feed(frame(FrameType::body, "ab"));
    expect_violation(frame(FrameType::body, "cd"), ReplyCode::frame_error, MethodCode::basic_publish,
                     "content body frame exceeds remaining content size");
}

TEST_F(ContentAssemblerTest, RefusesMessagesOverTheLimitOnTheChannelAndGiantsOnTheConnection) {
    assembler = ContentAssembler(1000);
    const std::string over = header(1001);
    assembler.feed(method);
    expect_violation(frame(FrameType::header, over), ReplyCode::precondition_failed,
                     MethodCode::basic_publish, "message size 1001 is larger than configured max size 1000");
    const std::string giant = header(ContentAssembler::kHardMaxBody + 1);
    assembler.feed(method);
    expect_violation(frame(FrameType::header, giant), ReplyCode::frame_error, MethodCode::basic_publish,
                     "content body size 536870913 exceeds maximum allowed size 536870912");
    const std::string exact = header(1000);
    assembler.feed(method);
    EXPECT_EQ(assembler.feed(frame(FrameType::header, exact)), Step::more);
}

TEST_F(ContentAssemblerTest, RefusesFramesThatAreNone) {
    expect_violation(frame(FrameType::method, "abc"), ReplyCode::frame_error, MethodCode::none,
                     "type 1, all octets = <<\"abc\">>: unknown_frame");
    expect_violation(frame(FrameType::header, "abc"), ReplyCode::frame_error, MethodCode::none,
                     "type 2, all octets = <<\"abc\">>: unknown_frame");
    expect_violation(frame(static_cast<FrameType>(9), ""), ReplyCode::frame_error, MethodCode::none,
                     "type 9, all octets = <<>>: unknown_frame");
    expect_violation(frame(FrameType::heartbeat, ""), ReplyCode::unexpected_frame, MethodCode::none,
                     "type 8, all octets = <<>>");
    expect_violation(frame(FrameType::heartbeat, "x"), ReplyCode::frame_error, MethodCode::none,
                     "type 8, all octets = <<\"x\">>: unknown_frame");
}

TEST_F(ContentAssemblerTest, StartsAfreshAfterAReset) {
    assembler.feed(method);
    assembler.reset();
    EXPECT_FALSE(assembler.waiting());
    EXPECT_EQ(assembler.feed(method), Step::more);
}

}  // namespace
}  // namespace posthorn::wire::amqp
