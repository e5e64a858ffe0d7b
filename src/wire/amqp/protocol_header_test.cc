#include "wire/amqp/protocol_header.h"

#include <gtest/gtest.h>

#include <string>

namespace posthorn::wire::amqp {
namespace {

using State = ProtocolHeaderScan::State;

ProtocolHeaderScan scan(std::string_view text) {
    return scan_protocol_header(as_bytes(text));
}

TEST(ProtocolHeader, AcceptsZeroNineOne) {
    const std::string_view header("AMQP\0\0\x09\x01", 8);
    for (std::size_t size = 0; size < header.size(); ++size)
        EXPECT_EQ(scan(header.substr(0, size)).state, State::incomplete) << size;
    EXPECT_EQ(scan(header).state, State::accepted);
    EXPECT_EQ(scan(std::string(header) + "more").state, State::accepted);
    EXPECT_EQ(as_text(kProtocolHeader), header);
}

TEST(ProtocolHeader, AcceptsZeroNineAsRabbitDoes) {
    EXPECT_EQ(scan(std::string_view("AMQP\1\1\0\x09", 8)).state, State::accepted);
}

TEST(ProtocolHeader, RefusesOtherVersionsByName) {
    for (const std::string_view other :
         {std::string_view("AMQP\0\0\x09\0", 8), std::string_view("AMQP\0\0\x0A\0", 8),
          std::string_view("AMQP\1\1\x08\0", 8), std::string_view("AMQP\1\1\x09\1", 8)}) {
        EXPECT_EQ(scan(other).state, State::refused);
    }
    const auto amqp1 = scan(std::string_view("AMQP\3\1\0\0", 8));
    EXPECT_EQ(amqp1.state, State::refused);
    EXPECT_EQ(amqp1.reason, "AMQP protocol 3 version 1-0-0");
}

TEST(ProtocolHeader, RefusesStrangersByName) {
    EXPECT_EQ(scan("HELO\n\n\n\n").state, State::refused);
    EXPECT_NE(scan("GET / HTTP/1.1").reason.find("HTTP"), std::string::npos);
    EXPECT_NE(scan(std::string_view("\x16\x03\x01\x02\0\1\0\1", 8)).reason.find("TLS"), std::string::npos);
}

TEST(ProtocolHeader, WaitsForAWholeHeaderEvenOfAStranger) {
    EXPECT_EQ(scan("GET /").state, State::incomplete);
    EXPECT_EQ(scan("XYZ").state, State::incomplete);
}

}  // namespace
}  // namespace posthorn::wire::amqp
