#include "wire/remoting/header.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace posthorn::wire::remoting {
namespace {

/// As Java 4.9.4 writes the header of a send.
constexpr std::string_view kJavaSend =
    R"({"code":310,"extFields":{"a":"please_rename_unique_group_name","b":"TopicTest","c":"TBW102","d":"4","e":"2",)"
    R"("f":"0","g":"1650000000123","h":"0","i":"UNIQ_KEY\u00017F0000010A1B18B4AAC20C1DB6F50000\u0002WAIT\u0001true\u0002TAGS\u0001TagA",)"
    R"("j":"0","k":"false","l":"0","m":"false","n":"broker-a"},"flag":0,"language":"JAVA","opaque":7,)"
    R"("serializeTypeCurrentRPC":"JSON","version":401})";

/// A copy on the heap of exactly this size, so that the address sanitizer sees a read past the end.
class Exact {
  public:
    explicit Exact(std::string_view text) : bytes_(text.size()) {
        std::copy(text.begin(), text.end(), bytes_.begin());
    }
    Bytes view() const { return std::as_bytes(std::span(bytes_)); }

  private:
    std::vector<char> bytes_;
};

void add_short(std::string& out, unsigned value) {
    out += {static_cast<char>(value >> 8), static_cast<char>(value)};
}
void add_int(std::string& out, std::uint32_t value) {
    add_short(out, value >> 16);
    add_short(out, value & 0xFFFF);
}

std::string binary_header(std::int16_t code, std::string_view remark, std::initializer_list<Field> fields) {
    std::string out;
    add_short(out, static_cast<std::uint16_t>(code));
    out += '\x09';  // GO
    add_short(out, 317);
    add_int(out, 0xFFFFFFFE);  // opaque -2
    add_int(out, 3);
    add_int(out, static_cast<std::uint32_t>(remark.size()));
    out += remark;
    std::string ext;
    for (const Field& field : fields) {
        add_short(ext, static_cast<unsigned>(field.key.size()));
        ext += field.key;
        add_int(ext, static_cast<std::uint32_t>(field.value.size()));
        ext += field.value;
    }
    add_int(out, static_cast<std::uint32_t>(ext.size()));
    return out + ext;
}

TEST(JsonHeader, ReadsWhatJavaSends) {
    HeaderDecoder decoder;
    const Exact bytes(kJavaSend);
    auto decoded = decoder.decode(Encoding::json, bytes.view());
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    const Header& header = **decoded;
    EXPECT_EQ(header.code, 310);
    EXPECT_EQ(header.opaque, 7);
    EXPECT_EQ(header.version, 401);
    EXPECT_EQ(header.flag, 0);
    EXPECT_EQ(header.language, Language::java);
    EXPECT_EQ(header.encoding, Encoding::json);
    EXPECT_EQ(header.remark, "");
    EXPECT_EQ(header.fields().size(), 14u);
    EXPECT_EQ(header.text("b"), "TopicTest");
    EXPECT_EQ(header.text("i"),
              "UNIQ_KEY\x01"
              "7F0000010A1B18B4AAC20C1DB6F50000\x02WAIT\x01true\x02TAGS\x01TagA");
    EXPECT_EQ(header.int64("g").value, 1650000000123);
    EXPECT_EQ(header.text("n"), "broker-a");
    EXPECT_FALSE(header.is_response());
    EXPECT_FALSE(header.is_oneway());
}

TEST(JsonHeader, EveryTruncationIsAnErrorAndReadsNothingBeyond) {
    HeaderDecoder decoder;
    for (std::size_t size = 0; size < kJavaSend.size(); ++size) {
        const Exact bytes(kJavaSend.substr(0, size));
        EXPECT_FALSE(decoder.decode(Encoding::json, bytes.view()).ok()) << size;
    }
}

TEST(JsonHeader, TakesNumbersBooleansAndNullAsFieldValues) {
    HeaderDecoder decoder;
    const Exact bytes(R"( { "code" : "34" , "language":"NODE_JS", "opaque": 5, "version":121, "flag":2,
        "extFields" : { "queueId": 3, "order":false , "topic" : "t", "none":null, "obj":{"a":["}",1]}, "neg":-9 } ,
        "extra":[1,{"x":"]\"}"}], "remark":null } trailing)");
    auto decoded = decoder.decode(Encoding::json, bytes.view());
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    const Header& header = **decoded;
    EXPECT_EQ(header.code, 34);
    EXPECT_EQ(header.language, Language::node_js);
    EXPECT_TRUE(header.is_oneway());
    EXPECT_EQ(header.int32("queueId").value, 3);
    EXPECT_TRUE(header.boolean("order").ok());
    EXPECT_FALSE(header.boolean("order").value);
    EXPECT_EQ(header.find("none"), nullptr);
    EXPECT_EQ(header.text("obj"), R"({"a":["}",1]})");
    EXPECT_EQ(header.int32("neg").value, -9);
    EXPECT_EQ(header.remark, "");
}

TEST(JsonHeader, ReadsNumbersUpToTheirLimits) {
    HeaderDecoder decoder;
    for (const std::int32_t number : {0, 123'456'789, 1'234'567'890, 2'147'483'647, -1, -2'147'483'647 - 1}) {
        const std::string text =
            R"({"opaque":)" + std::to_string(number) + R"(,"flag":)" + std::to_string(number) + "}";
        auto decoded = decoder.decode(Encoding::json, Exact(text).view());
        ASSERT_TRUE(decoded.ok()) << text;
        EXPECT_EQ((*decoded)->opaque, number);
        EXPECT_EQ((*decoded)->flag, number);
    }
    for (const char* text : {R"({"code":2147483648,"flag":0})", R"({"code":-2147483649,"flag":0})",
                             R"({"code":9999999999,"flag":0})"})
        EXPECT_FALSE(decoder.decode(Encoding::json, Exact(text).view()).ok()) << text;
}

TEST(JsonHeader, WorksWithoutFields) {
    HeaderDecoder decoder;
    for (const char* text : {R"({"code":105})", R"({"code":105,"extFields":{}})",
                             R"({"code":105,"extFields":null})", R"({"code":105,"extFields": { } })"}) {
        auto decoded = decoder.decode(Encoding::json, Exact(text).view());
        ASSERT_TRUE(decoded.ok()) << text << decoded.error().message;
        EXPECT_EQ((*decoded)->code, 105);
        EXPECT_TRUE((*decoded)->fields().empty());
    }
    EXPECT_TRUE(decoder.decode(Encoding::json, Exact("{}").view()).ok());
}

TEST(JsonHeader, UnescapesEveryKindOfEscape) {
    HeaderDecoder decoder;
    const Exact bytes(
        R"({"remark":"\"\\\/\b\f\n\r\t|\u0041\u00e9\u4E2D\ud83d\ude00|\ud83dx\ude00","extFields":{"k\u0031":"a\nb","plain":"p"}})");
    auto decoded = decoder.decode(Encoding::json, bytes.view());
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    EXPECT_EQ((*decoded)->remark, "\"\\/\b\f\n\r\t|A\u00e9\u4e2d\U0001F600|\uFFFDx\uFFFD");
    EXPECT_EQ((*decoded)->text("k1"), "a\nb");
    EXPECT_EQ((*decoded)->text("plain"), "p");
}

TEST(JsonHeader, RefusesWhatIsNoHeader) {
    HeaderDecoder decoder;
    for (const char* text :
         {"", "x", "[]", "{", R"({"code"})", R"({"code":})", R"({"code":"abc"})", R"({"code":99999999999})",
          R"({"code":1 "flag":0})", R"({"extFields":[]})", R"({"extFields":{"a" "b"}})",
          R"({"remark":"\u12"})", R"({"remark":"\u12G4"})", R"({code:1})"}) {
        const auto decoded = decoder.decode(Encoding::json, Exact(text).view());
        ASSERT_FALSE(decoded.ok()) << text;
        EXPECT_EQ(decoded.error().code, Errc::invalid);
        EXPECT_NE(decoded.error().message.find("byte"), std::string::npos);
    }
}

TEST(JsonHeader, MoreThanTheMostFieldsIsAnError) {
    const auto with_fields = [](int count) {
        std::string text = R"({"code":1,"extFields":{)";
        for (int i = 0; i < count; ++i)
            text += (i ? ",\"" : "\"") + std::to_string(i) + "\":\"v\"";
        return text + "}}";
    };
    HeaderDecoder decoder;
    EXPECT_TRUE(decoder.decode(Encoding::json, Exact(with_fields(48)).view()).ok());
    EXPECT_FALSE(decoder.decode(Encoding::json, Exact(with_fields(49)).view()).ok());
    EXPECT_TRUE(decoder.decode(Encoding::json, Exact(with_fields(1)).view()).ok())
        << "the next header is not harmed";
}

TEST(BinaryHeader, ReadsEveryField) {
    HeaderDecoder decoder;
    const Exact bytes(binary_header(11, "why not", {{"topic", "T"}, {"queueId", "3"}, {"empty", ""}}));
    auto decoded = decoder.decode(Encoding::binary, bytes.view());
    ASSERT_TRUE(decoded.ok()) << decoded.error().message;
    const Header& header = **decoded;
    EXPECT_EQ(header.encoding, Encoding::binary);
    EXPECT_EQ(header.code, 11);
    EXPECT_EQ(header.language, Language::go);
    EXPECT_EQ(header.version, 317);
    EXPECT_EQ(header.opaque, -2);
    EXPECT_TRUE(header.is_response());
    EXPECT_TRUE(header.is_oneway());
    EXPECT_EQ(header.remark, "why not");
    EXPECT_EQ(header.text("topic"), "T");
    EXPECT_EQ(header.int32("queueId").value, 3);
    EXPECT_NE(header.find("empty"), nullptr);
}

TEST(BinaryHeader, EveryTruncationIsAnErrorAndReadsNothingBeyond) {
    HeaderDecoder decoder;
    const std::string whole = binary_header(11, "why", {{"topic", "T"}, {"queueId", "3"}});
    for (std::size_t size = 0; size < whole.size(); ++size)
        EXPECT_FALSE(decoder.decode(Encoding::binary, Exact(whole.substr(0, size)).view()).ok()) << size;
    EXPECT_TRUE(decoder.decode(Encoding::binary, Exact(whole).view()).ok());
}

TEST(BinaryHeader, LyingLengthsAreErrors) {
    HeaderDecoder decoder;
    std::string remark = binary_header(1, "r", {});
    remark[13] = '\x7F';
    EXPECT_FALSE(decoder.decode(Encoding::binary, Exact(remark).view()).ok());
    std::string value = binary_header(1, "", {{"k", "v"}});
    value[value.size() - 2] = '\x02';
    EXPECT_FALSE(decoder.decode(Encoding::binary, Exact(value).view()).ok());
}

TEST(Header, GettersTellMissingFromMalformed) {
    HeaderDecoder decoder;
    const Exact bytes(
        R"({"extFields":{"n":"12","word":"abc","big":"3000000000","empty":"","float":1.5,"t":"TRUE","o":1}})");
    auto decoded = decoder.decode(Encoding::json, bytes.view());
    ASSERT_TRUE(decoded.ok());
    const Header& header = **decoded;
    EXPECT_EQ(header.int32("n").value, 12);
    EXPECT_TRUE(header.int32("absent").missing());
    EXPECT_TRUE(header.int32("empty").missing());
    EXPECT_TRUE(header.int32("word").malformed());
    EXPECT_TRUE(header.int32("big").malformed());
    EXPECT_EQ(header.int64("big").value, 3'000'000'000);
    EXPECT_TRUE(header.int64("float").malformed());
    EXPECT_TRUE(header.boolean("t").value);
    EXPECT_TRUE(header.boolean("o").value);
    EXPECT_TRUE(header.boolean("word").malformed());

    EXPECT_EQ(*header.require_int32("n"), 12);
    EXPECT_EQ(header.require_int32("absent").error().message, "header field absent is missing");
    EXPECT_EQ(header.require_int32("word").error().message,
              "header field word = \"abc\" is not a 32-bit number");
    EXPECT_EQ(*header.int32_or("absent", 7), 7);
    EXPECT_FALSE(header.int32_or("word", 7).ok());
    EXPECT_EQ(*header.int64_or("big", 0), 3'000'000'000);
    EXPECT_EQ(*header.boolean_or("absent", true), true);
    EXPECT_FALSE(header.require_text("empty").ok());
    EXPECT_EQ(*header.require_text("word"), "abc");
}

TEST(Header, TheLastOfTwoEqualKeysCounts) {
    HeaderDecoder decoder;
    auto decoded = decoder.decode(Encoding::json, as_bytes(R"({"extFields":{"k":"1","k":"2"}})"));
    ASSERT_TRUE(decoded.ok());
    EXPECT_EQ((*decoded)->text("k"), "2");
}

TEST(HeaderDecoder, SpoiledBytesNeverReachBeyondTheHeader) {
    HeaderDecoder decoder;
    const std::string binary = binary_header(11, "why", {{"topic", "T"}, {"queueId", "3"}});
    std::mt19937 random(20260401);
    for (int round = 0; round < 20'000; ++round) {
        const Encoding encoding = round % 2 ? Encoding::binary : Encoding::json;
        std::string text = encoding == Encoding::json ? std::string(kJavaSend) : binary;
        for (int spoil = 0; spoil < 3; ++spoil)
            text[random() % text.size()] = "\"\\{}[],:u\0\xFF"[random() % 11];
        const Exact bytes(text);
        auto decoded = decoder.decode(encoding, bytes.view());
        if (!decoded.ok()) continue;
        std::size_t sum = 0;
        for (const Field& field : (*decoded)->fields())
            for (const char c : field.value)
                sum += static_cast<unsigned char>(c);
        ASSERT_LT(sum, 1'000'000u);
    }
}

TEST(Language, NamesAndOrdinalsAreTheProtocols) {
    EXPECT_EQ(name(Language::java), "JAVA");
    EXPECT_EQ(static_cast<int>(Language::go), 9);
    EXPECT_EQ(static_cast<int>(Language::rust), 12);
    EXPECT_EQ(language_of("CPP"), Language::cpp);
    EXPECT_EQ(language_of("COBOL"), Language::other);
}

}  // namespace
}  // namespace posthorn::wire::remoting
