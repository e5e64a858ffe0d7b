#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "golden_text.h"
#include "method_fields.h"
#include "wire/amqp/decode.h"
#include "wire/amqp/encode.h"
#include "wire/amqp/table_writer.h"

namespace posthorn::wire::amqp {
namespace {

/// The payload of the one method frame in `out`.
Bytes payload(const Buffer& out) {
    FrameSplitter splitter(out.view(), 0);
    Frame frame;
    EXPECT_EQ(splitter.next(frame), FrameSplitter::Step::frame);
    EXPECT_EQ(frame.type, FrameType::method);
    EXPECT_EQ(splitter.consumed(), out.size());
    return frame.payload;
}

template <class M>
std::vector<std::string> words(M method) {
    golden::FieldLines fields;
    walk(fields, method);
    return fields.lines;
}

/// Fills every field with something that is not its default, each with something of its own.
class Filler {
  public:
    explicit Filler(TableView table) : table_(table) {}
    template <class T>
    void number(T& value) {
        value = static_cast<T>(200 + next_++);
    }
    void short_text(std::string_view& value) { value = texts_[next_++ % 4]; }
    void long_text(std::string_view& value) { value = texts_[next_++ % 4]; }
    void table(TableView& value) { value = table_; }
    template <std::same_as<bool>... Flag>
    void flags(Flag&... values) {
        ((values = next_++ % 2 == 0), ...);
    }
    void reserved_ticket() {}
    void reserved_flag() {}
    void reserved_short_text() {}
    void reserved_long_text() {}

  private:
    static constexpr std::string_view texts_[4] = {"one", "two", "three", ""};
    TableView table_;
    unsigned next_ = 0;
};

template <class Visit, std::size_t... Index>
void each_method(Visit visit, std::index_sequence<Index...>) {
    (visit(std::variant_alternative_t<Index, Method>()), ...);
}
template <class Visit>
void each_method(Visit visit) {
    each_method(visit, std::make_index_sequence<std::variant_size_v<Method>>());
}

TEST(Methods, AllComeBackAsTheyWereSent) {
    Buffer arguments;
    TableWriter writer(arguments);
    writer.name("x").text("y");
    const TableView table = writer.finish();
    each_method([&](auto method) {
        SCOPED_TRACE(name(method.code));
        Filler filler(table);
        walk(filler, method);
        Buffer out;
        append_method(out, 7, method);
        decltype(method) back;
        ASSERT_TRUE(decode(payload(out), back));
        EXPECT_EQ(words(method), words(back));
        const auto any = decode_any(payload(out));
        ASSERT_TRUE(any);
        EXPECT_TRUE(std::holds_alternative<decltype(method)>(*any));
    });
}

TEST(Methods, HaveIdsAndNamesOfTheirOwn) {
    std::set<std::string_view> names;
    std::set<MethodCode> codes;
    each_method([&](auto method) {
        names.insert(name(method.code));
        codes.insert(method.code);
    });
    EXPECT_EQ(names.size(), std::variant_size_v<Method>);
    EXPECT_EQ(codes.size(), std::variant_size_v<Method>);
    EXPECT_FALSE(names.contains(""));
    EXPECT_EQ(name(MethodCode::queue_declare_ok), "queue.declare-ok");
    EXPECT_EQ(name(method_code(60, 999)), "");
    EXPECT_EQ(class_id(MethodCode::exchange_unbind_ok), 40);
    EXPECT_EQ(method_id(MethodCode::exchange_unbind_ok), 51);
}

TEST(Methods, FlagsShareOneByteTheFirstLowest) {
    Buffer out;
    append_method(out, 1, BasicNack{.delivery_tag = 1, .multiple = false, .requeue = true});
    EXPECT_EQ(payload(out).back(), std::byte{2});
    out.clear();
    append_method(out, 1, QueueDelete{.queue = "q", .if_unused = true, .if_empty = false, .no_wait = true});
    EXPECT_EQ(payload(out).back(), std::byte{5});
}

TEST(Decode, RefusesBytesBehindTheLastField) {
    Buffer out;
    append_method(out, 1, BasicQos{});
    Buffer longer;
    longer.append(payload(out));
    longer.append("xx");
    BasicQos qos;
    EXPECT_FALSE(decode(longer.view(), qos));
    const Violation violation = malformed(longer.view());
    EXPECT_EQ(violation.code, ReplyCode::frame_error);
    EXPECT_EQ(violation.method, MethodCode::basic_qos);
    EXPECT_EQ(violation.detail, "cannot decode <<0,0,0,0,0,0,0,120,120>>");
}

TEST(Decode, RefusesAnotherMethodThanAskedFor) {
    Buffer out;
    append_method(out, 1, BasicAck{});
    BasicReject reject;
    EXPECT_FALSE(decode(payload(out), reject));
}

TEST(Decode, RefusesNamesThatAreNotUtf8) {
    for (const std::string_view bad :
         {"\xFF\xFE", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "a\x80", "\xE4\xB8", "\xF0\x9F\x98",
          "\xC3", "\xE0\x80\x80", "\xF0\x80\x80\x80"}) {
        Buffer out;
        append_method(out, 1, QueueDeclare{.queue = bad, .arguments = {}});
        QueueDeclare declare;
        EXPECT_FALSE(decode(payload(out), declare)) << bad;
        EXPECT_EQ(malformed(payload(out)).detail, "Malformed UTF-8 in shortstr");
        EXPECT_EQ(malformed(payload(out)).method, MethodCode::none) << "as RabbitMQ has it";
    }
    for (const std::string_view good :
         {"", "plain", "\xC3\xA9", "\xE4\xB8\xAD\xE6\x96\x87", "\xF0\x9F\x98\x80", "\xED\x9F\xBF",
          "\xEE\x80\x80", "\xEF\xBF\xBF", "\xF4\x8F\xBF\xBF"}) {
        Buffer out;
        append_method(out, 1, QueueDeclare{.queue = good, .arguments = {}});
        QueueDeclare declare;
        EXPECT_TRUE(decode(payload(out), declare)) << good;
    }
}

TEST(Decode, TakesAnyBytesAsRoutingKeyOfAPublish) {
    Buffer out;
    append_method(out, 1, BasicPublish{.exchange = "", .routing_key = "\xFF\xFE"});
    BasicPublish publish;
    ASSERT_TRUE(decode(payload(out), publish));
    EXPECT_EQ(publish.routing_key, "\xFF\xFE");
}

TEST(Decode, RefusesMalformedTables) {
    Buffer out;
    append_method(out, 1, QueueDeclare{.queue = "zz", .arguments = TableView(as_bytes("\1aZ"))});
    QueueDeclare declare;
    EXPECT_FALSE(decode(payload(out), declare));
    EXPECT_EQ(malformed(payload(out)).detail, "cannot decode <<0,0,2,122,122,0,0,0,0,3,1,97,90>>");
}

TEST(Decode, KnowsNothingOfUnknownMethods) {
    Buffer bytes;
    bytes.be(static_cast<std::uint32_t>(method_code(60, 999)));
    EXPECT_FALSE(decode_any(bytes.view()));
    EXPECT_EQ(method_of(bytes.view()), method_code(60, 999));
    EXPECT_EQ(method_of(bytes.view().first(3)), MethodCode::none);
    EXPECT_EQ(malformed(bytes.view().first(3)).code, ReplyCode::frame_error);
    const Violation violation = unimplemented_method(method_code(60, 999));
    EXPECT_EQ(reply_text(violation.code, violation.detail), "COMMAND_INVALID - unimplemented method");
}

TEST(MethodsDeath, ANameOver255BytesIsABrokenInvariant) {
    Buffer out;
    const std::string name(256, 'x');
    EXPECT_DEATH(append_method(out, 1, BasicCancelOk{.consumer_tag = name}), "255 bytes");
}

}  // namespace
}  // namespace posthorn::wire::amqp
