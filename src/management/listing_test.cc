#include <fmt/format.h>

#include "rig_for_test.h"

namespace posthorn::management {
namespace {

using http::Verb;

/// Lists and definitions: made in shares, sent in pieces.
struct ListingTest : testing::Test {
    Rig rig;

    void declare(int count) {
        for (int i = 0; i < count; ++i) {
            exchange::QueueSpec spec;
            spec.name = fmt::format("q{:05}", i), spec.durable = true;
            ASSERT_TRUE(rig.host().declare_queue(spec).ok());
        }
        rig.pass(1);
    }
    void publish(const std::string& queue) {
        const std::string body = fmt::format(
            R"({{"properties":{{}},"routing_key":"{}","payload":"x","payload_encoding":"string"}})", queue);
        ASSERT_EQ(rig.post("/api/exchanges/%2F/amq.default/publish", body).status, 200u);
    }
    static std::vector<std::string> names(const Json& rows) {
        std::vector<std::string> found;
        for (const Json& row : rows)
            found.push_back(row["name"]);
        return found;
    }
};

TEST_F(ListingTest, ALongListIsMadeInSharesAndSentInPieces) {
    declare(5'000);
    const Answer all = rig.get("/api/queues");
    ASSERT_EQ(all.json.size(), 5'000u);
    EXPECT_EQ(all.json[0]["name"], "q00000");
    EXPECT_EQ(all.json[4'999]["name"], "q04999");
    EXPECT_GT(rig.ticks, 30) << "it came in one piece, and the loop stood still for it";
    EXPECT_GT(rig.pieces, 20);
    EXPECT_LT(rig.largest_piece, 512u << 10);
}

TEST_F(ListingTest, NothingIsMadeForWhoDoesNotRead) {
    declare(2'000);
    const auto answer = rig.ask(rig.request(Verb::get, "/api/queues"));
    ASSERT_TRUE(*answer);
    ASSERT_TRUE((*answer)->rest);
    for (int n = 0; n < 10; ++n)
        rig.pass(1);
    std::string piece;
    (*answer)->rest->next([&](std::string one) { piece = std::move(one); });
    EXPECT_EQ(piece, "");
    rig.pass(1);
    rig.pass(1);
    EXPECT_NE(piece, "");
}

TEST_F(ListingTest, APageIsCutOutOfAnyOrder) {
    declare(3'000);
    const Answer page = rig.get("/api/queues?page=3&page_size=100&columns=name");
    EXPECT_EQ(names(page.json["items"]).front(), "q00200");
    EXPECT_EQ(names(page.json["items"]).back(), "q00299");
    EXPECT_EQ(page.json["page_count"], 30);
    EXPECT_EQ(page.json["total_count"], 3'000);
    EXPECT_EQ(page.json["item_count"], 100);
    const Answer last = rig.get("/api/queues?page=1&page_size=2&sort_reverse=true&columns=name");
    EXPECT_EQ(names(last.json["items"]), (std::vector<std::string>{"q02999", "q02998"}));
    const Answer filtered = rig.get(
        "/api/queues?page=2&page_size=2&name=7$&use_regex=true&sort=name&sort_reverse=true&columns=name");
    EXPECT_EQ(filtered.json["filtered_count"], 300);
    EXPECT_EQ(names(filtered.json["items"]), (std::vector<std::string>{"q02977", "q02967"}));
    EXPECT_EQ(rig.get("/api/queues?page=31&page_size=100").json["error"], "page_out_of_range");
    EXPECT_EQ(rig.get("/api/queues?page=1&name=nothing").json["items"], Json::array());
    EXPECT_EQ(rig.get("/api/queues?page=1&name=(&use_regex=true").status, 400u);
}

TEST_F(ListingTest, ASortOfManyRowsComesInShares) {
    declare(2'500);
    publish("q01234");
    publish("q00042");
    publish("q00042");
    rig.pass(1);
    const Answer sorted = rig.get("/api/queues?sort=messages&sort_reverse=true&columns=name,messages");
    ASSERT_EQ(sorted.json.size(), 2'500u);
    EXPECT_GT(rig.ticks, 20);
    EXPECT_EQ(sorted.json[0], Json({{"name", "q00042"}, {"messages", 2}}));
    EXPECT_EQ(sorted.json[1]["name"], "q01234");
    EXPECT_EQ(sorted.json[2]["name"], "q02499") << "equal ones are turned round as well";
}

TEST_F(ListingTest, OnlySoManyListsArePutInOrderAtOnce) {
    declare(2'000);
    std::vector<Rig::Awaited> waiting;
    for (int n = 0; n < 8; ++n)
        waiting.push_back(rig.ask(rig.request(Verb::get, "/api/queues?sort=messages")));
    const auto refused = rig.ask(rig.request(Verb::get, "/api/queues?sort=messages"));
    ASSERT_TRUE(*refused);
    EXPECT_EQ((*refused)->status, 503u);
    waiting.clear();
    for (int n = 0; n < 1'000; ++n)
        rig.pass(1);
    EXPECT_EQ(rig.get("/api/queues?sort=messages&columns=name").json.size(), 2'000u);
}

TEST_F(ListingTest, AListingSurvivesThatItsQueuesGo) {
    declare(2'000);
    const auto answer = rig.ask(rig.request(Verb::get, "/api/queues"));
    ASSERT_TRUE(*answer);
    ASSERT_TRUE(rig.hosts->remove("/").ok());
    EXPECT_LT(rig.finish(answer).json.size(), 2'000u);
}

TEST_F(ListingTest, QueuesThatComeWhileAListIsMadeDisturbNoOther) {
    declare(3'000);
    const auto answer = rig.ask(rig.request(Verb::get, "/api/queues?columns=name"));
    for (int n = 0; n < 5'000; ++n) {
        exchange::QueueSpec spec;
        spec.name = fmt::format("a{}", n);
        ASSERT_TRUE(rig.host().declare_queue(spec).ok());
    }
    EXPECT_EQ(rig.finish(answer).json.size(), 3'000u);
}

TEST_F(ListingTest, RowsAreSortedByAnyColumn) {
    for (const char* name : {"a", "b", "c"})
        ASSERT_EQ(rig.put(std::string("/api/queues/%2F/") + name).status, 201u);
    for (const char* name : {"b", "b", "c"})
        publish(name);
    rig.pass(1);
    const Answer sorted = rig.get("/api/queues?sort=messages&sort_reverse=true&columns=name,messages");
    EXPECT_EQ(
        sorted.json,
        Json::parse(R"([{"messages":2,"name":"b"},{"messages":1,"name":"c"},{"messages":0,"name":"a"}])"));
    EXPECT_EQ(rig.get("/api/queues/%2F/?sort=nothing").json.size(), 3u);
}

TEST_F(ListingTest, BindingsAreFoundFromEitherEnd) {
    declare(3);
    ASSERT_TRUE(rig.put("/api/exchanges/%2F/x", R"({"type":"fanout"})").status == 201);
    ASSERT_TRUE(rig.put("/api/exchanges/%2F/x2", R"({"type":"fanout"})").status == 201);
    for (const char* path : {"x/q/q00001", "x/q/q00002", "x2/q/q00001", "x/e/x2"})
        ASSERT_EQ(rig.post(std::string("/api/bindings/%2F/e/") + path).status, 201u);
    const auto ends = [&](const std::string& path) {
        std::vector<std::string> found;
        for (const Json& row : rig.get("/api" + path).json)
            found.push_back(row["source"].get<std::string>() + ">" + row["destination"].get<std::string>());
        return found;
    };
    using Ends = std::vector<std::string>;
    EXPECT_EQ(ends("/bindings"),
              (Ends{">q00000", ">q00001", ">q00002", "x>x2", "x>q00001", "x>q00002", "x2>q00001"}));
    EXPECT_EQ(ends("/exchanges/%2F/x/bindings/source"), (Ends{"x>x2", "x>q00001", "x>q00002"}));
    EXPECT_EQ(ends("/exchanges/%2F/amq.default/bindings/source"), (Ends{">q00000", ">q00001", ">q00002"}));
    EXPECT_EQ(ends("/exchanges/%2F/x2/bindings/destination"), (Ends{"x>x2"}));
    EXPECT_EQ(ends("/queues/%2F/q00001/bindings"), (Ends{">q00001", "x>q00001", "x2>q00001"}));
    EXPECT_EQ(ends("/bindings/%2F/e/x/q/q00002"), (Ends{"x>q00002"}));
}

TEST_F(ListingTest, DefinitionsOfManyGoOutInPiecesAndComeInAgain) {
    declare(5'000);
    ASSERT_EQ(rig.put("/api/exchanges/%2F/x", R"({"type":"fanout","durable":true})").status, 201u);
    for (int n = 0; n < 1'000; ++n)
        ASSERT_TRUE(rig.host()
                        .bind({"x", exchange::DestinationKind::queue, fmt::format("q{:05}", n), "", {}}, 0)
                        .ok());
    const Answer out = rig.get("/api/definitions");
    EXPECT_GT(rig.ticks, 8);
    EXPECT_GT(rig.pieces, 5);
    ASSERT_EQ(out.json["queues"].size(), 5'000u);
    ASSERT_EQ(out.json["bindings"].size(), 1'000u);
    Rig other;
    ASSERT_EQ(other.post("/api/definitions", out.text).status, 204u);
    EXPECT_GT(other.ticks, 50);
    EXPECT_EQ(other.get("/api/definitions").json, out.json);
}

TEST_F(ListingTest, SumsOverManyQueuesAreThoseOfTheLastCensus) {
    declare(6'000);
    publish("q00042");
    rig.pass(5'000);
    for (int n = 0; n < 10; ++n)
        rig.pass(1);
    const Json before = rig.get("/api/overview").json;
    EXPECT_EQ(before["queue_totals"]["messages"], 1);
    EXPECT_EQ(before["object_totals"]["queues"], 6'000);
    publish("q00043");
    rig.pass(1);
    EXPECT_EQ(rig.get("/api/overview").json["queue_totals"]["messages"], 1);
    EXPECT_EQ(rig.get("/api/vhosts/%2F").json["messages"], 1);
    rig.pass(5'000);
    for (int n = 0; n < 10; ++n)
        rig.pass(1);
    EXPECT_EQ(rig.get("/api/overview").json["queue_totals"]["messages"], 2);
}

}  // namespace
}  // namespace posthorn::management
