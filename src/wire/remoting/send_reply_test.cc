#include "wire/remoting/send_reply.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <tuple>

#include "decimal.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/frame_writer.h"

namespace posthorn::wire::remoting {
namespace {

std::string decimal(std::int64_t value) {
    char text[kDecimalRoom];
    return {text, put_decimal(text, value)};
}

TEST(Decimal, EveryLengthIsWrittenAsTheLibraryDoes) {
    std::uint64_t power = 1;
    for (int digits = 1; digits <= 19; ++digits, power *= 10) {
        for (const std::uint64_t value : {power - 1, power, power + 1, power * 7 + 3}) {
            const auto number = static_cast<std::int64_t>(value);
            EXPECT_EQ(decimal(number), std::to_string(number));
            EXPECT_EQ(decimal(-number), std::to_string(-number));
        }
    }
    for (const auto limit :
         {std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()})
        EXPECT_EQ(decimal(limit), std::to_string(limit));
}

/// The same reply, field by field.
Buffer written_out(ReplyTo to, const MessageId& id, std::int32_t queue, std::int64_t offset,
                   std::string_view region, bool trace_on) {
    Buffer out;
    auto writer = FrameWriter::response(out, to, ResponseCode::success);
    writer.field("msgId", id);
    writer.field("queueId", queue);
    writer.field("queueOffset", offset);
    writer.field("MSG_REGION", region);
    writer.field("TRACE_ON", trace_on);
    EXPECT_TRUE(writer.finish().ok());
    return out;
}

class SendReplyOf : public testing::TestWithParam<Encoding> {};
INSTANTIATE_TEST_SUITE_P(Remoting, SendReplyOf, testing::Values(Encoding::json, Encoding::binary),
                         [](const auto& each) { return each.param == Encoding::json ? "json" : "binary"; });

TEST_P(SendReplyOf, IsByteForByteWhatTheFrameWriterWrites) {
    for (const char* region :
         {"DefaultRegion", "", "a \"quoted\" r\u00e9gion", "1000000001",
          "a region whose name is quite a lot longer than any stretch of the reply before "
          "it is, so that it has to be copied on its own"}) {
        for (const bool trace_on : {true, false}) {
            const SendReply reply(region, trace_on);
            Buffer out, expected;
            for (const auto& [opaque, queue, offset] :
                 {std::tuple{0, 0, std::int64_t{0}}, std::tuple{-1, 7, std::int64_t{9}},
                  std::tuple{std::numeric_limits<std::int32_t>::max(), 65'535, std::int64_t{123'456'789'012}},
                  std::tuple{std::numeric_limits<std::int32_t>::min(), 10,
                             std::numeric_limits<std::int64_t>::max()}}) {
                const ReplyTo to{GetParam(), opaque};
                for (const char* host : {"127.0.0.1:10911", "[2001:db8::1]:65535"}) {
                    const MessageId id = make_offset_message_id(*parse_host(host), offset);
                    reply.append(out, to, id, queue, offset);
                    expected.append(written_out(to, id, queue, offset, region, trace_on).view());
                }
            }
            EXPECT_EQ(as_text(out.view()), as_text(expected.view())) << region;
        }
    }
}

}  // namespace
}  // namespace posthorn::wire::remoting
