#include "wire/remoting/message.h"

#include <gtest/gtest.h>

#include <string>

#include "wire/remoting/batch.h"
#include "wire/remoting/message_id.h"
#include "wire/remoting/properties.h"

namespace posthorn::wire::remoting {
namespace {

std::string hex(Bytes bytes) {
    std::string out;
    for (const std::byte byte : bytes) {
        out += "0123456789abcdef"[std::to_integer<int>(byte) >> 4];
        out += "0123456789abcdef"[std::to_integer<int>(byte) & 15];
    }
    return out;
}

MessageParts example() {
    MessageParts parts;
    parts.topic = "TopicTest";
    parts.queue_id = 3;
    parts.flag = 9;
    parts.sys_flag = kSysMultiTags;
    parts.born_ms = 1650000000123;
    parts.born_host = host_v4(0x7F000001, 40000);
    parts.reconsume_times = 2;
    parts.prepared_transaction_offset = 5;
    parts.body = as_bytes("123456789");
    parts.properties = "TAGS\x01TagA";
    return parts;
}

/// Field by field as the format page draws it: written by hand, not by the encoder.
constexpr std::string_view kExampleHex =
    "00000076"
    "daa320a7"
    "4bf43926"
    "00000003"
    "00000009"  // size 118, magic, crc, queue, flag
    "0000000000000000"
    "0000000000000000"
    "00000002"  // queue offset, physical offset, system flag
    "000001802ba9f47b"
    "7f000001"
    "00009c40"  // born
    "0000000000000000"
    "00000000"
    "00000000"  // stored
    "00000002"
    "0000000000000005"  // reconsume times, prepared offset
    "00000009"
    "313233343536373839"  // body
    "09"
    "546f70696354657374"  // topic
    "0009"
    "54414753"
    "01"
    "54616741";  // properties

TEST(StoredMessage, HasTheDrawnLayout) {
    Buffer out;
    ASSERT_TRUE(append_stored(example(), out).ok());
    EXPECT_EQ(out.size(), stored_size(example()));
    EXPECT_EQ(hex(out.view()), kExampleHex);
}

TEST(StoredMessage, ComesBackAsWritten) {
    Buffer out;
    ASSERT_TRUE(append_stored(example(), out).ok());
    const std::size_t size = out.size();
    out.append("next message");
    auto message = decode_stored(out.view());
    ASSERT_TRUE(message.ok()) << message.error().message;
    EXPECT_EQ(message->bytes.size(), size);
    EXPECT_EQ(message->topic, "TopicTest");
    EXPECT_EQ(message->queue_id, 3);
    EXPECT_EQ(message->flag, 9);
    EXPECT_EQ(message->sys_flag, kSysMultiTags);
    EXPECT_EQ(message->born_ms, 1650000000123);
    EXPECT_EQ(to_string(message->born_host), "127.0.0.1:40000");
    EXPECT_EQ(message->reconsume_times, 2);
    EXPECT_EQ(message->prepared_transaction_offset, 5);
    EXPECT_EQ(as_text(message->body), "123456789");
    EXPECT_EQ(message->properties, "TAGS\x01TagA");
    EXPECT_TRUE(message->body_intact());
}

TEST(StoredMessage, PatchFillsInThePlaceAndNothingElse) {
    for (const bool born_v6 : {false, true}) {
        MessageParts parts = example();
        if (born_v6) parts.born_host = *parse_host("[2001:db8::1]:1234");
        Buffer out;
        ASSERT_TRUE(append_stored(parts, out).ok());
        patch_stored({out.data(), out.size()}, 42, 123456789012, 1650000009999,
                     *parse_host("10.1.2.3:10911"));

        parts.queue_offset = 42;
        parts.physical_offset = 123456789012;
        parts.store_ms = 1650000009999;
        parts.store_host = *parse_host("10.1.2.3:10911");
        Buffer whole;
        ASSERT_TRUE(append_stored(parts, whole).ok());
        EXPECT_EQ(hex(out.view()), hex(whole.view()));
        auto message = decode_stored(out.view());
        ASSERT_TRUE(message.ok());
        EXPECT_EQ(to_string(message->store_host), "10.1.2.3:10911");
        EXPECT_EQ(message->born_host, parts.born_host);
    }
}

TEST(StoredMessage, StoreHostOfTheOtherFamilyIsFittedIn) {
    MessageParts parts = example();
    Buffer v4;
    ASSERT_TRUE(append_stored(parts, v4).ok());
    patch_stored({v4.data(), v4.size()}, 1, 2, 3, *parse_host("[::1]:10911"));
    EXPECT_EQ(to_string(decode_stored(v4.view())->store_host), "0.0.0.0:10911");

    parts.store_host.v6 = true;
    Buffer v6;
    ASSERT_TRUE(append_stored(parts, v6).ok());
    patch_stored({v6.data(), v6.size()}, 1, 2, 3, *parse_host("10.1.2.3:10911"));
    EXPECT_EQ(to_string(decode_stored(v6.view())->store_host), "[::ffff:10.1.2.3]:10911");
    EXPECT_EQ(to_string(decode_stored(v6.view())->store_host.plain()), "10.1.2.3:10911");
}

TEST(StoredMessage, LongTopicUsesTheSecondMagic) {
    MessageParts parts = example();
    const std::string topic(200, 't');
    parts.topic = topic;
    Buffer out;
    ASSERT_TRUE(append_stored(parts, out).ok());
    EXPECT_EQ(load_be<std::uint32_t>(out.data() + 4), kMagicV2);
    auto message = decode_stored(out.view());
    ASSERT_TRUE(message.ok());
    EXPECT_EQ(message->topic, topic);
}

TEST(StoredMessage, AddedPropertiesAreSeparatedFromTheClients) {
    for (const std::string_view own : {std::string_view("A\x01"
                                                        "1"),
                                       std::string_view("A\x01"
                                                        "1\x02"),
                                       std::string_view()}) {
        MessageParts parts = example();
        parts.properties = own;
        parts.added_properties = "TRACE_ON\x01true\x02";
        Buffer out;
        ASSERT_TRUE(append_stored(parts, out).ok());
        auto message = decode_stored(out.view());
        ASSERT_TRUE(message.ok());
        EXPECT_EQ(find_property(message->properties, "TRACE_ON"), "true");
        EXPECT_EQ(find_property(message->properties, "A").has_value(), !own.empty());
    }
}

TEST(StoredMessage, RefusesWhatItsLengthFieldsCannotHold) {
    MessageParts parts = example();
    Buffer out;
    const std::string longest(kMaxProperties, 'p');
    parts.properties = longest;
    EXPECT_TRUE(append_stored(parts, out).ok());
    out.clear();
    const std::string longer(kMaxProperties + 1, 'p');
    parts.properties = longer;
    EXPECT_FALSE(append_stored(parts, out).ok());
    EXPECT_TRUE(out.empty());
}

TEST(StoredMessage, EveryTruncationIsAnError) {
    Buffer out;
    ASSERT_TRUE(append_stored(example(), out).ok());
    for (std::size_t size = 0; size < out.size(); ++size) {
        Buffer exact;
        exact.append(out.view().first(size));
        EXPECT_FALSE(decode_stored(exact.view()).ok()) << size;
        if (size < 4) continue;
        exact.patch_be(0, static_cast<std::uint32_t>(size));
        EXPECT_FALSE(decode_stored(exact.view()).ok()) << "with a size that says so, " << size;
    }
}

TEST(StoredMessage, AnotherMagicOrALyingLengthIsAnError) {
    for (const std::size_t at : {0u, 4u, 84u, 97u, 107u}) {
        Buffer out;
        ASSERT_TRUE(append_stored(example(), out).ok());
        out.data()[at] ^= std::byte{0x41};
        EXPECT_FALSE(decode_stored(out.view()).ok()) << at;
    }
}

TEST(OffsetMessageId, ComesBackAndLooksAsOthersWriteIt) {
    const MessageId id = make_offset_message_id(*parse_host("192.168.1.10:10911"), 0x1234ABCD);
    EXPECT_EQ(id.view(), "C0A8010A00002A9F000000001234ABCD");
    const auto parsed = parse_offset_message_id(id);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(to_string(parsed->host), "192.168.1.10:10911");
    EXPECT_EQ(parsed->physical_offset, 0x1234ABCD);
    EXPECT_TRUE(parse_offset_message_id("c0a8010a00002a9f000000001234abcd"));
    const MessageId v6 = make_offset_message_id(*parse_host("[::1]:1"), 7);
    EXPECT_EQ(v6.view().size(), 56u);
    EXPECT_EQ(parse_offset_message_id(v6)->host, *parse_host("[::1]:1"));
}

TEST(OffsetMessageId, RefusesOtherText) {
    EXPECT_FALSE(parse_offset_message_id(""));
    EXPECT_FALSE(parse_offset_message_id("C0A8010A00002A9F000000001234ABC"));
    EXPECT_FALSE(parse_offset_message_id("C0A8010A00002A9F000000001234ABCX"));
}

TEST(UniqueKey, HasItsPartsInOrder) {
    EXPECT_EQ(make_unique_key({0x7F000001, 0x0A1B, 0x18B4AAC2, 0x0C1DB6F5, 1}).view(),
              "7F0000010A1B18B4AAC20C1DB6F50001");
}

TEST(Host, ReadsAndWritesText) {
    for (const char* text : {"127.0.0.1:10911", "[2001:db8::1]:80", "0.0.0.0:0"})
        EXPECT_EQ(to_string(*parse_host(text)), text);
    for (const char* text :
         {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:70000", "127.0.0:1", "::1:80", "[::1]", "a:1"})
        EXPECT_FALSE(parse_host(text)) << text;
}

TEST(Properties, AreFoundWithAndWithoutTheLastMark) {
    for (const std::string_view list : {std::string_view("KEYS\x01k1 k2\x02TAGS\x01T\x02"),
                                        std::string_view("KEYS\x01k1 k2\x02TAGS\x01T")}) {
        EXPECT_EQ(find_property(list, property::keys), "k1 k2");
        EXPECT_EQ(find_property(list, property::tags), "T");
        EXPECT_FALSE(find_property(list, "TAG"));
    }
    EXPECT_FALSE(find_property("", "A"));
}

TEST(Properties, MalformedItemsArePassedOver) {
    PropertyCursor cursor(
        "\x02\x02nothing\x02\x01noname\x02"
        "A\x01"
        "1\x02"
        "B\x01\x02"
        "C\x01"
        "2");
    std::string seen;
    for (Property property; cursor.next(property);)
        seen += std::string(property.name) + "=" + std::string(property.value) + ";";
    EXPECT_EQ(seen, "A=1;B=;C=2;");
}

TEST(Properties, TheLastOfTwoEqualNamesCounts) {
    EXPECT_EQ(find_property("A\x01"
                            "1\x02"
                            "A\x01"
                            "2\x02",
                            "A"),
              "2");
}

TEST(Properties, SetAndRemoveKeepTheOthers) {
    Buffer out;
    append_with(out,
                "A\x01"
                "1\x02"
                "B\x01"
                "2",
                "A", "9");
    EXPECT_EQ(as_text(out.view()),
              "B\x01"
              "2\x02"
              "A\x01"
              "9\x02");
    out.clear();
    append_without(out,
                   "A\x01"
                   "1\x02"
                   "B\x01"
                   "2",
                   "A");
    EXPECT_EQ(as_text(out.view()),
              "B\x01"
              "2\x02");
    EXPECT_TRUE(valid_property_text("plain text"));
    EXPECT_FALSE(valid_property_text("a\x01"));
}

Buffer example_batch() {
    Buffer out;
    append_batch_item(out, {1, as_bytes("first"),
                            "A\x01"
                            "1\x02"});
    append_batch_item(out, {2, {}, {}});
    append_batch_item(out, {3, as_bytes("third"), {}});
    return out;
}

TEST(Batch, IsSplitIntoItsMessages) {
    const Buffer out = example_batch();
    EXPECT_EQ(*count_batch(out.view()), 3u);
    BatchCursor cursor(out.view());
    BatchItem item;
    ASSERT_TRUE(*cursor.next(item));
    EXPECT_EQ(item.flag, 1);
    EXPECT_EQ(as_text(item.body), "first");
    EXPECT_EQ(item.properties,
              "A\x01"
              "1\x02");
    ASSERT_TRUE(*cursor.next(item));
    EXPECT_TRUE(item.body.empty());
    ASSERT_TRUE(*cursor.next(item));
    EXPECT_EQ(as_text(item.body), "third");
    EXPECT_FALSE(*cursor.next(item));
}

TEST(Batch, EveryTruncationInsideAnItemIsAnError) {
    const Buffer out = example_batch();
    for (std::size_t size = 0; size <= out.size(); ++size) {
        Buffer exact;
        exact.append(out.view().first(size));
        const auto count = count_batch(exact.view());
        const bool whole_items = size == 0 || size == 31 || size == 53 || size == out.size();
        EXPECT_EQ(count.ok(), whole_items) << size;
    }
}

TEST(Batch, ALyingSizeIsAnError) {
    Buffer out = example_batch();
    out.patch_be(0, std::uint32_t{0});
    EXPECT_FALSE(count_batch(out.view()).ok());
    out.patch_be(0, std::uint32_t{34});
    EXPECT_FALSE(count_batch(out.view()).ok());
}

}  // namespace
}  // namespace posthorn::wire::remoting
