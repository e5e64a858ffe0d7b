#include "wire/remoting/frame_writer.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace posthorn::wire::remoting {
namespace {

class EachEncoding : public testing::TestWithParam<Encoding> {
  protected:
    const Header& decode(Bytes stream) {
        auto scan = scan_frame(stream);
        POSTHORN_CHECK(scan.ok() && scan->complete, "the frame under test is whole");
        frame_ = scan->frame;
        auto decoded = decoder_.decode(frame_);
        POSTHORN_CHECK(decoded.ok(), decoded.error().message);
        return **decoded;
    }

    HeaderDecoder decoder_;
    Frame frame_;
};
INSTANTIATE_TEST_SUITE_P(Remoting, EachEncoding, testing::Values(Encoding::json, Encoding::binary),
                         [](const auto& each) { return each.param == Encoding::json ? "json" : "binary"; });

TEST_P(EachEncoding, ResponseComesBackAsWritten) {
    Buffer out;
    out.append("before");
    auto writer =
        FrameWriter::response(out, {GetParam(), -77}, ResponseCode::topic_not_exist, "no \"topic\"\n\x01");
    writer.field("msgId", "0123");
    writer.field("queueOffset", std::numeric_limits<std::int64_t>::min());
    writer.field("queueId", std::int32_t{3});
    writer.field("TRACE_ON", true);
    writer.field("empty", "");
    writer.field("odd", "a\\b\x02\u4e2d");
    writer.body().append("the body");
    EXPECT_EQ(writer.body_size(), 8u);
    ASSERT_TRUE(writer.finish().ok());

    const Header& header = decode(out.view().subspan(6));
    EXPECT_EQ(frame_.size, out.size() - 6);
    EXPECT_EQ(as_text(frame_.body), "the body");
    EXPECT_EQ(header.code, 17);
    EXPECT_EQ(header.opaque, -77);
    EXPECT_EQ(header.flag, kFlagResponse);
    EXPECT_EQ(header.version, kWireVersion);
    EXPECT_EQ(header.language, Language::java);
    EXPECT_EQ(header.remark, "no \"topic\"\n\x01");
    EXPECT_EQ(header.fields().size(), 6u);
    EXPECT_EQ(header.text("msgId"), "0123");
    EXPECT_EQ(header.int64("queueOffset").value, std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(header.int32("queueId").value, 3);
    EXPECT_EQ(header.text("TRACE_ON"), "true");
    EXPECT_NE(header.find("empty"), nullptr);
    EXPECT_EQ(header.text("odd"), "a\\b\x02\u4e2d");
}

TEST_P(EachEncoding, FramesFollowEachOtherInOneBuffer) {
    Buffer out;
    for (std::int32_t opaque = 0; opaque < 3; ++opaque)
        ASSERT_TRUE(FrameWriter::response(out, {GetParam(), opaque}, ResponseCode::success).finish().ok());
    Bytes rest = out.view();
    for (std::int32_t opaque = 0; opaque < 3; ++opaque) {
        const Header& header = decode(rest);
        EXPECT_EQ(header.opaque, opaque);
        EXPECT_TRUE(header.fields().empty());
        rest = rest.subspan(frame_.size);
    }
    EXPECT_TRUE(rest.empty());
}

TEST_P(EachEncoding, OnewayRequestCarriesItsBit) {
    Buffer out;
    auto writer = FrameWriter::request(out, GetParam(), RequestCode::notify_consumer_ids_changed, 5, true);
    writer.field("consumerGroup", "g");
    ASSERT_TRUE(writer.finish().ok());
    const Header& header = decode(out.view());
    EXPECT_EQ(header.code, 40);
    EXPECT_TRUE(header.is_oneway());
    EXPECT_FALSE(header.is_response());
    EXPECT_EQ(header.text("consumerGroup"), "g");
}

TEST_P(EachEncoding, FrameOverTheLimitIsTakenBack) {
    Buffer out;
    out.append("kept");
    auto writer = FrameWriter::response(out, {GetParam(), 1}, ResponseCode::success);
    writer.body().extend(kMaxFrameLength);
    EXPECT_FALSE(writer.finish().ok());
    EXPECT_EQ(as_text(out.view()), "kept");
}

TEST(FrameWriter, JsonIsAsStrictReadersWantIt) {
    Buffer out;
    auto writer = FrameWriter::response(out, {Encoding::json, 12}, ResponseCode::success);
    writer.field("a", 1);
    writer.field("b", "x");
    ASSERT_TRUE(writer.finish().ok());
    EXPECT_EQ(
        as_text(out.view().subspan(8)),
        R"({"code":0,"flag":1,"language":"JAVA","opaque":12,"serializeTypeCurrentRPC":"JSON","version":401,)"
        R"("extFields":{"a":"1","b":"x"}})");
}

TEST(Codes, AreCalledByTheirNames) {
    EXPECT_EQ(name(RequestCode::send_message_v2), "SEND_MESSAGE_V2");
    EXPECT_EQ(name(static_cast<RequestCode>(200050)), "POP_MESSAGE");
    EXPECT_EQ(name(static_cast<RequestCode>(999'999)), "");
    EXPECT_EQ(name(ResponseCode::pull_offset_moved), "PULL_OFFSET_MOVED");
}

}  // namespace
}  // namespace posthorn::wire::remoting
