#include "wire/amqp/table.h"

#include <gtest/gtest.h>

#include <string>

#include "golden_text.h"
#include "wire/amqp/table_writer.h"

namespace posthorn::wire::amqp {
namespace {

/// A table written by hand: pairs of name and (type letter + value).
TableView raw(std::string_view bytes) {
    return TableView(as_bytes(bytes));
}
template <std::size_t N>
constexpr std::string_view lit(const char (&text)[N]) {
    return {text, N - 1};
}

TEST(TableView, ReadsEveryTypeRabbitKnows) {
    const TableView table =
        raw(lit("\1bb\xFB\1BB\xFB\1ss\xFF\x38\1uu\xEA\x60\1II\xFF\xFF\xFF\xFE\1ii\xFF\xFF\xFF\xFE"
                "\1ll\x80\0\0\0\0\0\0\0\1LL\0\0\0\0\0\0\0\7\1tt\1\1ff\x3F\0\0\0\1dd\x3F\xD0\0\0\0\0\0\0"
                "\1DD\2\0\0\x01\x3A\1SS\0\0\0\2hi\1xx\0\0\0\1\xFF\1TT\0\0\0\0\x65\x53\xF1\0\1VV"
                "\1AA\0\0\0\3t\1V\1FF\0\0\0\3\1kV"));
    ASSERT_TRUE(validate_table(table.bytes()));
    EXPECT_EQ(golden::text(table),
              "{'b': b -5, 'B': B 251, 's': s -200, 'u': u 60000, 'I': I -2, 'i': i 4294967294, "
              "'l': l -9223372036854775808, 'L': l 7, 't': t true, 'f': f 0.5, 'd': d 0.25, 'D': D 314/2, "
              "'S': S 'hi', 'x': x 0xff, 'T': T 1700000000, 'V': V, 'A': A [t true, V], 'F': F {'k': V}}");
}

TEST(TableView, RefusesTheLettersOfThePrintedGrammar) {
    EXPECT_FALSE(validate_table(as_bytes(lit("\1aU\0\1"))));
    EXPECT_FALSE(validate_table(as_bytes(lit("\1aN"))));
    EXPECT_FALSE(validate_table(as_bytes(lit("\1aZ"))));
}

TEST(TableView, ReadsAnyByteButZeroAsTrue) {
    EXPECT_EQ(raw(lit("\1at\7")).boolean("a"), true);
    EXPECT_EQ(raw(lit("\1at\0")).boolean("a"), false);
}

TEST(TableView, GettersAreEmptyForAnotherType) {
    const TableView table = raw(lit("\1aI\0\0\0\5"));
    EXPECT_EQ(table.integer("a"), 5);
    EXPECT_FALSE(table.text("a"));
    EXPECT_FALSE(table.boolean("a"));
    EXPECT_FALSE(table.table("a"));
    EXPECT_FALSE(table.array("a"));
    EXPECT_FALSE(table.integer("b"));
    EXPECT_FALSE(raw(lit("\1aT\0\0\0\0\0\0\0\5")).integer("a")) << "a timestamp is no number";
}

TEST(TableView, OfANameThatStandsThereTwiceTheFirstCounts) {
    const TableView table = raw(lit("\1aI\0\0\0\5\1aI\0\0\0\6"));
    EXPECT_EQ(table.integer("a"), 5);
    EXPECT_EQ(table.count(), 2u);
}

TEST(TableView, IsRefusedAtEveryTruncation) {
    const std::string_view whole =
        lit("\3oneS\0\0\0\5hello\3twoF\0\0\0\x0A\1aA\0\0\0\3t\1V\5threed\0\0\0\0\0\0\0\0");
    ASSERT_TRUE(validate_table(as_bytes(whole)));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        const std::string part(whole.substr(0, size));
        const bool at_a_border = size == 0 || size == 14 || size == 33;
        EXPECT_EQ(validate_table(as_bytes(part)), at_a_border) << size;
        TableView(as_bytes(part)).count();  // must end, and touch nothing outside
    }
}

TEST(TableView, RefusesInnerLengthsThatLie) {
    EXPECT_FALSE(validate_table(as_bytes(lit("\1aS\xFF\xFF\xFF\xFFhello"))));
    EXPECT_FALSE(validate_table(as_bytes(lit("\1aF\0\0\0\2\1k"))));
    EXPECT_FALSE(validate_table(as_bytes(lit("\1aA\0\0\0\1I"))));
}

TEST(TableView, RefusesNestingBeyondTheLimit) {
    const auto nested = [](int tables) {
        std::string bytes;
        for (int i = 1; i < tables; ++i) {
            Buffer out;
            TableWriter writer(out);
            writer.name("n").table(TableView(as_bytes(bytes)));
            bytes = as_text(writer.finish().bytes());
        }
        return bytes;
    };
    EXPECT_TRUE(validate_table(as_bytes(nested(kMaxTableDepth))));
    EXPECT_FALSE(validate_table(as_bytes(nested(kMaxTableDepth + 1))));
}

TEST(TableWriter, WritesWhatAViewReads) {
    Buffer out;
    out.append("before");
    TableWriter writer(out);
    writer.name("bool").boolean(true);
    writer.name("int8").int8(-1);
    writer.name("int16").int16(-2);
    writer.name("int32").int32(-3);
    writer.name("int64").int64(-4);
    writer.name("double").float64(0.25);
    writer.name("text").text("t");
    writer.name("bytes").bytes(as_bytes("b"));
    writer.name("time").timestamp(5);
    writer.name("nothing").nothing();
    writer.name("array").begin_array();
    writer.text("x");
    writer.begin_table();
    writer.name("deep").int32(1);
    writer.end();
    writer.end();
    writer.name("table").begin_table();
    writer.end();
    const TableView table = writer.finish();
    EXPECT_TRUE(validate_table(table.bytes()));
    EXPECT_EQ(
        golden::text(table),
        "{'bool': t true, 'int8': b -1, 'int16': s -2, 'int32': I -3, 'int64': l -4, 'double': d 0.25, "
        "'text': S 't', 'bytes': x 'b', 'time': T 5, 'nothing': V, 'array': A [S 'x', F {'deep': I 1}], "
        "'table': F {}}");
    EXPECT_EQ(load_be<std::uint32_t>(out.data() + 6), table.bytes().size());
}

TEST(TableWriter, CopiesAnotherTableButForSomeNames) {
    Buffer source;
    TableWriter first(source);
    first.name("a").int32(1);
    first.name("CC").text("x");
    first.name("b").text("2");
    const TableView table = first.finish();

    Buffer out;
    TableWriter writer(out);
    writer.copy_except(table, {"CC", "BCC"});
    writer.name("c").boolean(false);
    EXPECT_EQ(golden::text(writer.finish()), "{'a': I 1, 'b': S '2', 'c': t false}");
    Buffer all;
    TableWriter copy(all);
    copy.copy(table);
    EXPECT_EQ(as_text(copy.finish().bytes()), as_text(table.bytes()));
}

TEST(Equivalent, ComparesNumbersWhateverTheirWidth) {
    const TableView table =
        raw(lit("\1aI\0\0\0\5\1bl\0\0\0\0\0\0\0\5\1cb\6\1dS\0\0\0\1"
                "5\1eS\0\0\0\1"
                "5\1fx\0\0\0\1"
                "5\1gf\x3F\0\0\0\1hd\x3F\xE0\0\0\0\0\0\0\1it\1\1jt\1"));
    ASSERT_TRUE(validate_table(table.bytes()));
    const auto value = [&](std::string_view name) { return *table.find(name); };
    EXPECT_TRUE(equivalent(value("a"), value("b")));
    EXPECT_FALSE(equivalent(value("a"), value("c")));
    EXPECT_FALSE(equivalent(value("a"), value("d")));
    EXPECT_FALSE(equivalent(value("d"), value("a")));
    EXPECT_TRUE(equivalent(value("d"), value("e")));
    EXPECT_FALSE(equivalent(value("d"), value("f")));
    EXPECT_TRUE(equivalent(value("g"), value("h")));
    EXPECT_TRUE(equivalent(value("i"), value("j")));
}

TEST(Describe, SpeaksAsRabbitDoes) {
    const TableView table = raw(lit("\1aI\0\0\3\xE8\1bS\0\0\0\3foo"));
    EXPECT_EQ(describe(table.find("a")), "the value '1000' of type 'signedint'");
    EXPECT_EQ(describe(table.find("b")), "the value 'foo' of type 'longstr'");
    EXPECT_EQ(describe(table.find("c")), "none");
}

TEST(Table, IsEqualInWhateverOrderItsFieldsCame) {
    const Table one(raw(lit("\1bI\0\0\0\5\1at\1")));
    const Table two(raw(lit("\1at\1\1bI\0\0\0\5")));
    const Table three(raw(lit("\1at\1\1bI\0\0\0\6")));
    EXPECT_EQ(one, two);
    EXPECT_NE(one, three);
    EXPECT_EQ(golden::text(one), "{'a': t true, 'b': I 5}");
    EXPECT_EQ(one.view().integer("b"), 5);
    EXPECT_TRUE(Table().empty());
    EXPECT_EQ(Table(), Table(TableView()));
}

TEST(Table, KeepsTheFirstOfTwoWithOneName) {
    EXPECT_EQ(Table(raw(lit("\1bI\0\0\0\5\1at\1\1bI\0\0\0\6"))).view().integer("b"), 5);
}

TEST(Table, OwnsItsBytes) {
    Table table;
    {
        std::string bytes(lit("\1aS\0\0\0\5hello"));
        table = Table(TableView(as_bytes(bytes)));
        bytes.assign(bytes.size(), 'x');
    }
    EXPECT_EQ(table.view().text("a"), "hello");
}

}  // namespace
}  // namespace posthorn::wire::amqp
