#include "log_sink.h"

#include <gtest/gtest.h>

namespace posthorn::server {
namespace {

TEST(LogSink, TextLinesAreForPeople) {
    EXPECT_EQ(format_log_line(LogFormat::text, 1'700'000'000'123, LogLevel::warn, "store", "cut at 7"),
              "2023-11-14T22:13:20.123Z warn  store: cut at 7\n");
}

TEST(LogSink, JsonLinesStayOneLine) {
    EXPECT_EQ(format_log_line(LogFormat::json, 1'700'000'000'123, LogLevel::error, "store", "a \"b\"\nc"),
              "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"error\",\"area\":\"store\","
              "\"text\":\"a \\\"b\\\"\\nc\"}\n");
}

}  // namespace
}  // namespace posthorn::server
