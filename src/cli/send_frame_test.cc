#include "send_frame.h"

#include <gtest/gtest.h>

#include "remoting_connection.h"
#include "wire/remoting/header.h"

namespace posthorn::cli {
namespace {

using wire::remoting::Encoding;

class EachEncoding : public testing::TestWithParam<Encoding> {};
INSTANTIATE_TEST_SUITE_P(SendFrame, EachEncoding, testing::Values(Encoding::json, Encoding::binary));

TEST_P(EachEncoding, EveryNumberArrivesWhereADecoderLooksForIt) {
    const SendFrame frames({.topic = "T",
                            .encoding = GetParam(),
                            .body_size = 40,
                            .queues = 12,
                            .extra_properties = "DELAY\x01"
                                                "3\x02"});
    Buffer out;
    frames.append(out, {.opaque = 7, .queue = 3, .wall_ms = 1'700'000'000'123, .stamp = {1, 2, 3}});
    frames.append(out,
                  {.opaque = 999'999, .queue = 11, .wall_ms = 1'700'000'000'124, .stamp = {1, 0xABCDEF, 4}});

    const auto first = wire::remoting::scan_frame(out.view());
    ASSERT_TRUE(first.ok() && first->complete);
    const auto second = wire::remoting::scan_frame(out.view().subspan(first->frame.size));
    ASSERT_TRUE(second.ok() && second->complete);
    EXPECT_EQ(first->frame.size + second->frame.size, out.size());

    wire::remoting::HeaderDecoder decoder;
    const auto header = decoder.decode(second->frame);
    ASSERT_TRUE(header.ok());
    EXPECT_EQ((*header)->code, 310);
    EXPECT_EQ((*header)->opaque, 1'000'999'999);
    EXPECT_EQ((*header)->text("b"), "T");
    EXPECT_EQ((*header)->text("e"), "11");
    EXPECT_EQ((*header)->text("g"), "1700000000124");
    EXPECT_EQ((*header)->text("i"),
              "UNIQ_KEY\x01"
              "7F000001000000000000000000ABCDEF\x02WAIT\x01true\x02"
              "DELAY\x01"
              "3\x02");
    EXPECT_EQ(second->frame.body.size(), 40U);
    const auto stamp = read_stamp(second->frame.body);
    ASSERT_TRUE(stamp.has_value());
    EXPECT_EQ(stamp->sequence, 0xABCDEFU);
    EXPECT_EQ(peek_answer(second->frame)->opaque, 1'000'999'999);
    EXPECT_EQ(peek_answer(second->frame)->code, 310);
}

TEST(LoadStamp, ABodyWithAChangedByteHasNone) {
    Buffer body;
    write_stamp(body.extend(kStampSize), {1, 2, 3});
    EXPECT_TRUE(read_stamp(body.view()).has_value());
    for (std::size_t at = 0; at < kStampSize; ++at) {
        body.data()[at] ^= std::byte{1};
        EXPECT_FALSE(read_stamp(body.view()).has_value()) << at;
        body.data()[at] ^= std::byte{1};
    }
    EXPECT_FALSE(read_stamp(body.view().first(kStampSize - 1)).has_value());
}

}  // namespace
}  // namespace posthorn::cli
