#include "wire/amqp/encode.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wire/amqp/decode.h"
#include "wire/amqp/properties.h"

namespace posthorn::wire::amqp {
namespace {

constexpr std::string_view kProperties("\x10\0\x02", 3);

std::vector<Frame> frames_of(const Buffer& out, std::uint32_t frame_max) {
    std::vector<Frame> frames;
    FrameSplitter splitter(out.view(), frame_max);
    for (Frame frame; splitter.next(frame) == FrameSplitter::Step::frame;)
        frames.push_back(frame);
    EXPECT_EQ(splitter.consumed(), out.size());
    return frames;
}

TEST(AppendContent, IsMethodHeaderAndBody) {
    Buffer out;
    const BasicDeliver deliver{"ctag", 513, true, "exchange", "key"};
    append_content(out, 3, deliver, as_bytes(kProperties), as_bytes("body"), kDefaultFrameMax);
    const std::string expected(
        "\1\0\3\0\0\0\x1F\0\x3c\0\x3c\4ctag\0\0\0\0\0\0\2\1\1\x08"
        "exchange\3key\xCE"
        "\2\0\3\0\0\0\x0F\0\x3c\0\0\0\0\0\0\0\0\0\4\x10\0\2\xCE"
        "\3\0\3\0\0\0\4body\xCE",
        8 + 31 + 8 + 15 + 8 + 4);
    EXPECT_EQ(as_text(out.view()), expected);
    EXPECT_EQ(content_size(deliver, as_bytes(kProperties), 4, kDefaultFrameMax), out.size());
}

TEST(AppendContent, HasNoBodyFrameForAnEmptyBody) {
    Buffer out;
    append_content(out, 3, BasicPublish{}, as_bytes(kProperties), {}, kDefaultFrameMax);
    EXPECT_EQ(frames_of(out, kDefaultFrameMax).size(), 2u);
}

TEST(AppendContent, SplitsBodiesByFrameMax) {
    constexpr std::uint32_t kFrameMax = 4096;
    constexpr std::size_t kMost = 4088;
    for (const std::size_t size :
         {kMost - 1, kMost, kMost + 1, 2 * kMost, 2 * kMost + 1, std::size_t{20'000}}) {
        std::string body;
        for (std::size_t i = 0; i < size; ++i)
            body += static_cast<char>(i * 7);
        Buffer out;
        append_content(out, 3, BasicGetOk{}, as_bytes(kProperties), as_bytes(body), kFrameMax);
        EXPECT_EQ(content_size(BasicGetOk{}, as_bytes(kProperties), size, kFrameMax), out.size());
        const auto frames = frames_of(out, kFrameMax);
        EXPECT_EQ(frames.size(), 2 + (size + kMost - 1) / kMost) << size;
        std::string together;
        for (std::size_t i = 2; i < frames.size(); ++i) {
            EXPECT_EQ(frames[i].type, FrameType::body);
            EXPECT_LE(frames[i].payload.size(), kMost);
            together += as_text(frames[i].payload);
        }
        EXPECT_EQ(together, body);
    }
}

TEST(AppendContent, DoesNotSplitWhenThereIsNoLimit) {
    const std::string body(1'000'000, 'x');
    Buffer out;
    append_content(out, 3, BasicReturn{.reply_text = "NO_ROUTE"}, as_bytes(kProperties), as_bytes(body), 0);
    EXPECT_EQ(frames_of(out, 0).size(), 3u);
}

TEST(AppendContent, BeginsWithItsHead) {
    const std::string body(10'000, 'x');
    const BasicDeliver deliver{"ctag", 513, true, "exchange", "key"};
    Buffer whole;
    append_content(whole, 3, deliver, as_bytes(kProperties), as_bytes(body), 4096);

    Buffer head;
    append_content_head(head, 3, deliver, as_bytes(kProperties), body.size());
    EXPECT_TRUE(as_text(whole.view()).starts_with(as_text(head.view())));
    EXPECT_EQ(frames_of(head, 0).size(), 2u);
}

template <class M>
M only_method(const Buffer& out, std::uint16_t channel) {
    const auto frames = frames_of(out, 0);
    EXPECT_EQ(frames.size(), 1u);
    EXPECT_EQ(frames[0].channel, channel);
    M method;
    EXPECT_TRUE(decode(frames[0].payload, method));
    return method;
}

TEST(AppendClose, ClosesTheChannelForASoftError) {
    Buffer out;
    EXPECT_FALSE(
        append_close(out, 5, {ReplyCode::not_found, MethodCode::basic_get, "no queue 'q' in vhost '/'"}));
    const auto close = only_method<ChannelClose>(out, 5);
    EXPECT_EQ(close.reply_code, ReplyCode::not_found);
    EXPECT_EQ(close.reply_text, "NOT_FOUND - no queue 'q' in vhost '/'");
    EXPECT_EQ(close.class_id, 60);
    EXPECT_EQ(close.method_id, 70);
}

TEST(AppendClose, ClosesTheConnectionForAHardErrorAndOnChannelZero) {
    Buffer out;
    EXPECT_TRUE(append_close(out, 5, {ReplyCode::unexpected_frame, MethodCode::none, "x"}));
    EXPECT_EQ(only_method<ConnectionClose>(out, 0).reply_text, "UNEXPECTED_FRAME - x");
    out.clear();
    EXPECT_TRUE(append_close(out, 0, {ReplyCode::access_refused, MethodCode::connection_open, "x"}));
    EXPECT_EQ(only_method<ConnectionClose>(out, 0).method_id, 40);
}

}  // namespace
}  // namespace posthorn::wire::amqp
