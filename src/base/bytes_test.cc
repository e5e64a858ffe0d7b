#include "base/bytes.h"

#include <gtest/gtest.h>

#include "base/crc.h"

namespace posthorn {
namespace {

TEST(ByteReader, ReadingPastTheEndFailsForGoodAndTouchesNothing) {
    Buffer buffer;
    buffer.be<std::uint16_t>(0x0102);
    ByteReader reader(buffer.view());
    EXPECT_EQ(reader.be<std::uint32_t>(), 0u);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.be<std::uint8_t>(), 0);  // still failed, though a byte would be there
}

TEST(Buffer, KeepsBytesAcrossGrowth) {
    Buffer buffer;
    for (std::uint32_t i = 0; i < 10'000; ++i)
        buffer.be(i);
    ByteReader reader(buffer.view());
    for (std::uint32_t i = 0; i < 10'000; ++i)
        ASSERT_EQ(reader.be<std::uint32_t>(), i);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.remaining(), 0u);
}

TEST(Crc, MatchesThePublishedCheckValues) {
    EXPECT_EQ(crc32c(as_bytes("123456789")), 0xE3069283u);
    EXPECT_EQ(crc32_ieee(as_bytes("123456789")), 0xCBF43926u);
}

TEST(Crc, ChainsOverPieces) {
    EXPECT_EQ(crc32c(as_bytes("6789"), crc32c(as_bytes("12345"))), crc32c(as_bytes("123456789")));
}

}  // namespace
}  // namespace posthorn
