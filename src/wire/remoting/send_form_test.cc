#include "wire/remoting/send_form.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

#include "golden_for_test.h"
#include "wire/remoting/codes.h"

namespace posthorn::wire::remoting {
namespace {

struct Values {
    std::string opaque = "5", queue = "2", born = "1795267845238";
    std::string properties = R"(UNIQ_KEY\u0001FD00\u0002WAIT\u0001true\u0002)";
};

std::string java(const Values& values, std::string_view topic = "orders") {
    return fmt::format(
        R"({{"code":310,"extFields":{{"a":"producers","b":"{}","c":"TBW102","d":"4","e":"{}","f":"0","g":"{}",)"
        R"("h":"0","i":"{}","j":"0","k":"false","m":"false","n":"broker-a"}},"flag":0,"language":"JAVA",)"
        R"("opaque":{},"serializeTypeCurrentRPC":"JSON","version":401}})",
        topic, values.queue, values.born, values.properties, values.opaque);
}

bool same(const Header& a, const Header& b) {
    const auto one = a.fields(), other = b.fields();
    return a.encoding == b.encoding && a.language == b.language && a.code == b.code &&
           a.version == b.version && a.opaque == b.opaque && a.flag == b.flag && a.remark == b.remark &&
           std::equal(one.begin(), one.end(), other.begin(), other.end(),
                      [](const Field& x, const Field& y) { return x.key == y.key && x.value == y.value; });
}

bool same(const SendRequest& a, const SendRequest& b) {
    return a.producer_group == b.producer_group && a.topic == b.topic && a.default_topic == b.default_topic &&
           a.default_topic_queues == b.default_topic_queues && a.queue_id == b.queue_id &&
           a.sys_flag == b.sys_flag && a.born_ms == b.born_ms && a.flag == b.flag &&
           a.properties == b.properties && a.reconsume_times == b.reconsume_times &&
           a.unit_mode == b.unit_mode && a.max_reconsume_times == b.max_reconsume_times &&
           a.batch == b.batch && a.broker_name == b.broker_name;
}

/// Whether the form takes the header; if it does, it must have read what decoding reads.
bool takes(SendForm& form, std::string_view header) {
    Buffer scratch;
    if (!form.read(as_bytes(header), scratch)) return false;
    HeaderDecoder decoder;
    const auto decoded = decoder.decode(Encoding::json, as_bytes(header));
    EXPECT_TRUE(decoded.ok()) << header;
    if (!decoded) return true;
    const auto request = read_send_request(**decoded);
    EXPECT_TRUE(same(**decoded, form.header())) << header;
    EXPECT_TRUE(request.ok() && same(*request, form.request())) << header;
    return true;
}

std::unique_ptr<SendForm> form_of(std::string_view header) {
    return SendForm::of(Encoding::json, as_bytes(header));
}

TEST(SendForm, TakesWhatDiffersOnlyInTheValuesOfAMessage) {
    const auto form = form_of(java({}));
    ASSERT_TRUE(form);
    for (const Values& values :
         {Values{}, Values{"0", "0", "0", ""}, Values{"2147483647", "17", "1800000000000", "plain"},
          Values{"77", "3", "1795267845999", R"(KEYS\u0001quote \" slash \\ \u00e9 \ud83d\ude00\u0002)"}}) {
        EXPECT_TRUE(takes(*form, java(values))) << java(values);
    }
    EXPECT_EQ(form->request().queue_id, 3);
    EXPECT_EQ(form->request().topic, "orders");
    EXPECT_EQ(form->header().opaque, 77);
}

TEST(SendForm, LeavesEverythingElseToTheDecoder) {
    const auto form = form_of(java({}));
    ASSERT_TRUE(form);
    EXPECT_FALSE(takes(*form, java({}, "others")));
    EXPECT_FALSE(takes(*form, java({}) + " "));
    for (const Values& values :
         {Values{"-1"}, Values{"2147483648"}, Values{""}, Values{"1", "-1"}, Values{"1", "4294967296"},
          Values{"1", "1x"}, Values{"1", "1", "99999999999999999999"}, Values{"1", "1", "1", R"(open \)"},
          Values{"1", "1", "1", R"(cut \u00)"}, Values{"1", "1", "1", R"(a","i":"b)"}})
        EXPECT_FALSE(takes(*form, java(values))) << java(values);
    EXPECT_FALSE(takes(*form, java({.properties = std::string(SendForm::kLongestRead, 'p')})));
}

TEST(SendForm, HasNoneOfAHeaderItCannotBeSureOf) {
    EXPECT_FALSE(form_of(""));
    EXPECT_FALSE(form_of("{"));
    EXPECT_FALSE(SendForm::of(Encoding::binary, as_bytes(java({}))));
    EXPECT_FALSE(form_of(java({}, std::string(SendForm::kLongest, 't'))));
    const auto with = [](std::string_view part, std::string_view other) {
        std::string header = java({});
        return header.replace(header.find(part), part.size(), other);
    };
    EXPECT_TRUE(form_of(with("310", "320")));
    EXPECT_FALSE(form_of(with("310", "11")));
    EXPECT_FALSE(form_of(with(R"("flag":0)", R"("flag":1)"))) << "a response";
    EXPECT_FALSE(form_of(with(R"("opaque":5)", R"("opaque": 5)")));
    EXPECT_FALSE(form_of(with(R"("e":"2")", R"("e": "2")")));
    EXPECT_FALSE(form_of(with(R"("e":"2")", R"("\u0065":"2")")));
    EXPECT_FALSE(form_of(with(R"("e":"2")", R"("e":"1","e":"2")")));
    EXPECT_FALSE(form_of(with(R"("e":"2")", R"("e":"-1")")));
}

/// Whatever byte is changed, taken out or put in: what the form still takes, the decoder reads the same way.
TEST(SendForm, NeverReadsAHeaderOtherwiseThanTheDecoder) {
    const std::string header = java({});
    const auto form = form_of(header);
    ASSERT_TRUE(form);
    std::size_t taken = 0;
    for (std::size_t at = 0; at < header.size(); ++at) {
        for (const char byte : std::string_view("\0\x01 \"\\,:{}[]-+.0129aeu\x7f\xff", 24)) {
            std::string changed = header, longer = header;
            changed[at] = byte;
            taken += takes(*form, changed);
            taken += takes(*form, longer.insert(at, 1, byte));
        }
        std::string shorter = header;
        taken += takes(*form, shorter.erase(at, 1));
        EXPECT_FALSE(takes(*form, header.substr(0, at)));
    }
    EXPECT_GT(taken, 100u);
}

TEST(SendForm, KnowsTheSendsOfRealClientsAgain) {
    std::size_t forms = 0;
    for (const Golden& golden : recorded()) {
        const auto scan = scan_frame(golden.bytes);
        ASSERT_TRUE(scan.ok() && scan->complete) << golden.name;
        const auto form = SendForm::of(scan->frame.encoding, scan->frame.header);
        const bool is_send = golden.name.find("-send-") != std::string::npos &&
                             golden.name.find("-request") != std::string::npos &&
                             golden.name.find("-back-") == std::string::npos &&
                             golden.name.find("-binary-") == std::string::npos;
        // Go writes "opaque" and the rest in the same way, too, but its fields in another order every time.
        EXPECT_EQ(form != nullptr, is_send) << golden.name;
        if (!form) continue;
        ++forms;
        EXPECT_TRUE(takes(*form, as_text(scan->frame.header))) << golden.name;
    }
    EXPECT_GT(forms, 5u);
}

}  // namespace
}  // namespace posthorn::wire::remoting
