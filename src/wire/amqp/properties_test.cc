#include "wire/amqp/properties.h"

#include <gtest/gtest.h>

#include <string>

#include "golden_text.h"
#include "wire/amqp/table_writer.h"

namespace posthorn::wire::amqp {
namespace {

template <std::size_t N>
constexpr std::string_view lit(const char (&text)[N]) {
    return {text, N - 1};
}

bool decodes(std::string_view bytes) {
    Properties properties;
    return decode_properties(as_bytes(bytes), properties);
}

Properties all(TableView headers) {
    return {.content_type = "text/plain",
            .content_encoding = "gzip",
            .headers = headers,
            .delivery_mode = std::uint8_t{2},
            .priority = std::uint8_t{9},
            .correlation_id = "corr",
            .reply_to = "reply",
            .expiration = "60000",
            .message_id = "id",
            .timestamp = std::uint64_t{1'700'000'000},
            .type = "type",
            .user_id = "guest",
            .app_id = "app",
            .cluster_id = "cluster"};
}

std::vector<std::string> words(const Properties& properties) {
    std::vector<std::string> lines;
    golden::property_lines(properties, lines);
    return lines;
}

TEST(Properties, NoneTakeTwoBytes) {
    Properties properties;
    properties.app_id = "from before";
    ASSERT_TRUE(decode_properties(as_bytes(lit("\0\0")), properties));
    EXPECT_FALSE(properties.app_id);
    EXPECT_FALSE(properties.persistent());
    Buffer out;
    append_properties(out, properties);
    EXPECT_EQ(as_text(out.view()), lit("\0\0"));
}

TEST(Properties, AllComeBackAsTheyWereSent) {
    Buffer table;
    TableWriter writer(table);
    writer.name("h").text("v");
    Buffer out;
    append_properties(out, all(writer.finish()));
    EXPECT_EQ(load_be<std::uint16_t>(out.data()), 0xFFFC);
    Properties back;
    ASSERT_TRUE(decode_properties(out.view(), back));
    EXPECT_EQ(words(back).size(), 14u);
    EXPECT_EQ(words(back), words(all(*back.headers)));
    EXPECT_TRUE(back.persistent());
    for (std::size_t size = 0; size < out.size(); ++size)
        EXPECT_FALSE(decodes(std::string(as_text(out.view().first(size))))) << size;
}

TEST(Properties, MissingAndEmptyAreDifferent) {
    Properties properties;
    ASSERT_TRUE(decode_properties(as_bytes(lit("\x80\0\0")), properties));
    EXPECT_EQ(properties.content_type, "");
    EXPECT_FALSE(properties.content_encoding);
}

TEST(Properties, OnlyModeTwoIsPersistent) {
    Properties properties;
    ASSERT_TRUE(decode_properties(as_bytes(lit("\x10\0\2")), properties));
    EXPECT_TRUE(properties.persistent());
    ASSERT_TRUE(decode_properties(as_bytes(lit("\x10\0\1")), properties));
    EXPECT_FALSE(properties.persistent());
}

TEST(Properties, RefusesWhatDoesNotFit) {
    EXPECT_FALSE(decodes(""));
    EXPECT_FALSE(decodes(lit("\0")));
    EXPECT_FALSE(decodes(lit("\x10\0\2xx"))) << "bytes left over";
    EXPECT_FALSE(decodes(lit("\x80\0\5ab"))) << "text longer than its bytes";
    EXPECT_FALSE(decodes(lit("\x20\0\0\0\0\3\1aZ"))) << "a malformed header";
    EXPECT_FALSE(decodes(lit("\x20\0\xFF\xFF\xFF\xFF"))) << "headers longer than their bytes";
    EXPECT_FALSE(decodes(lit("\0\1\0\0"))) << "more flags announced";
    EXPECT_TRUE(decodes(lit("\0\2"))) << "RabbitMQ ignores this bit";
}

TEST(Properties, OneIsChangedAndTheOthersStay) {
    Buffer table;
    TableWriter writer(table);
    writer.name("h").text("v");
    Buffer sent;
    append_properties(sent, all(writer.finish()));
    Properties properties;
    ASSERT_TRUE(decode_properties(sent.view(), properties));

    // As dead-lettering does: the expiration goes, a header comes.
    properties.expiration.reset();
    Buffer headers;
    TableWriter rewriter(headers);
    rewriter.copy_except(*properties.headers, {"x-death"});
    rewriter.name("x-death").begin_array();
    rewriter.begin_table();
    rewriter.name("count").int64(1);
    rewriter.end();
    rewriter.end();
    properties.headers = rewriter.finish();
    Buffer rewritten;
    append_properties(rewritten, properties);

    Properties back;
    ASSERT_TRUE(decode_properties(rewritten.view(), back));
    EXPECT_FALSE(back.expiration);
    EXPECT_EQ(back.message_id, "id");
    EXPECT_EQ(golden::text(*back.headers), "{'h': S 'v', 'x-death': A [F {'count': l 1}]}");
}

TEST(ContentHeader, IsReadWithItsPropertiesAsTheyCame) {
    const std::string_view bytes = lit("\0\x3c\0\1\0\0\0\1\0\0\0\2\x10\0\2");
    ContentHeader header;
    ASSERT_TRUE(decode_content_header(as_bytes(bytes), header));
    EXPECT_EQ(header.class_id, kBasicClass);
    EXPECT_EQ(header.weight, 1);
    EXPECT_EQ(header.body_size, 0x1'0000'0002u);
    EXPECT_EQ(as_text(header.properties), lit("\x10\0\2"));
    for (std::size_t size = 0; size < kContentHeaderHead; ++size)
        EXPECT_FALSE(decode_content_header(as_bytes(bytes.substr(0, size)), header));
}

}  // namespace
}  // namespace posthorn::wire::amqp
