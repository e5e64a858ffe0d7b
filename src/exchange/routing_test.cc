#include <algorithm>
#include <chrono>
#include <set>

#include "base/log.h"
#include "exchange_test_support.h"

namespace posthorn::exchange {
namespace {

using testing::ElementsAre;
using testing::UnorderedElementsAre;

class RoutingTest : public testing::Test {
  protected:
    /// The queues that got a message published so; all are emptied.
    std::set<std::string> reached(const Station::Send& send) {
        outcome_ = station_.send(send).outcome;
        station_.tick();
        std::set<std::string> names;
        std::vector<std::string> all;
        station_.host->each_queue([&](Queue& queue) { all.push_back(queue.spec().name); });
        for (const std::string& name : all) {
            const auto bodies = station_.drain(name);
            EXPECT_LE(bodies.size(), 1u) << name << " has it twice";
            if (!bodies.empty()) names.insert(name);
        }
        return names;
    }
    void bind_exchange(const std::string& source, const std::string& destination,
                       const std::string& key = "") {
        ASSERT_TRUE(station_.host->bind({source, DestinationKind::exchange, destination, key, {}}, 0).ok());
    }

    Station station_;
    Published::Outcome outcome_{};
};

using Names = std::set<std::string>;

TEST_F(RoutingTest, TheDefaultExchangeKnowsEveryQueueByItsName) {
    station_.queue("a");
    EXPECT_EQ(reached({"", "a"}), Names{"a"});
    EXPECT_EQ(reached({"", "b"}), Names{});
    EXPECT_EQ(outcome_, Published::Outcome::unroutable);
    station_.queue("b");
    EXPECT_EQ(reached({"", "b"}), Names{"b"});
}

TEST_F(RoutingTest, TheDefaultExchangeIsNobodysToChange) {
    station_.queue("a");
    const std::string text = "operation not permitted on the default exchange";
    EXPECT_EQ(station_.host->bind({"", DestinationKind::queue, "a", "x", {}}, 0).error().message, text);
    EXPECT_EQ(station_.host->unbind({"", DestinationKind::queue, "a", "a", {}}, 0).error().message, text);
    EXPECT_EQ(station_.host->delete_exchange("", false).error().message, text);
    EXPECT_EQ(station_.host->declare_exchange({}).error().code, Errc::denied);
}

TEST_F(RoutingTest, ADirectExchangeComparesKeys) {
    for (const char* name : {"a", "b", "c"})
        station_.queue(name);
    station_.bind("amq.direct", "a", "one");
    station_.bind("amq.direct", "b", "one");
    station_.bind("amq.direct", "b", "two");
    EXPECT_EQ(reached({"amq.direct", "one"}), (Names{"a", "b"}));
    EXPECT_EQ(reached({"amq.direct", "two"}), Names{"b"});
    EXPECT_EQ(reached({"amq.direct", "three"}), Names{});
    ASSERT_TRUE(station_.host->unbind({"amq.direct", DestinationKind::queue, "b", "one", {}}, 0).ok());
    EXPECT_EQ(reached({"amq.direct", "one"}), Names{"a"});
}

TEST_F(RoutingTest, AFanoutExchangeReachesAllAndEachOnce) {
    for (const char* name : {"a", "b"})
        station_.queue(name);
    station_.bind("amq.fanout", "a", "x");
    station_.bind("amq.fanout", "a", "y");
    station_.bind("amq.fanout", "b");
    EXPECT_EQ(reached({"amq.fanout", "whatever"}), (Names{"a", "b"}));
    EXPECT_EQ(station_.host->exchange_counts("amq.fanout").in, 1u);
    EXPECT_EQ(station_.host->exchange_counts("amq.fanout").out, 2u);
}

TEST_F(RoutingTest, AHeadersExchangeLooksAtHeaders) {
    for (const char* name : {"all", "any", "there", "x"})
        station_.queue(name);
    station_.bind("amq.headers", "all", "",
                  {{"kind", {std::string("dog")}}, {"x-match", {std::string("all")}}});
    station_.bind("amq.headers", "any", "",
                  {{"kind", {std::string("cat")}},
                   {"colour", {std::string("red")}},
                   {"x-match", {std::string("any")}}});
    station_.bind("amq.headers", "there", "", {{"colour", {}}});
    station_.bind("amq.headers", "x", "",
                  {{"x-way", {std::string("up")}}, {"x-match", {std::string("all-with-x")}}});
    EXPECT_EQ(reached({.exchange = "amq.headers", .header = "kind=dog"}), Names{"all"});
    EXPECT_EQ(reached({.exchange = "amq.headers", .header = "colour=red"}), (Names{"any", "there"}));
    EXPECT_EQ(reached({.exchange = "amq.headers", .header = "colour=blue"}), Names{"there"});
    EXPECT_EQ(reached({.exchange = "amq.headers", .header = "x-way=up"}), Names{"x"});
    EXPECT_EQ(reached({.exchange = "amq.headers"}), Names{});
    EXPECT_EQ(
        station_.host
            ->bind({"amq.headers", DestinationKind::queue, "x", "", {{"x-match", {std::string("some")}}}}, 0)
            .error()
            .message,
        "Invalid x-match field value <<\"some\">>; expected all, any, all-with-x, or any-with-x");
}

TEST_F(RoutingTest, ABindingWithoutArgumentsMatchesEveryMessageOfAHeadersExchange) {
    station_.queue("q");
    station_.bind("amq.match", "q");
    EXPECT_EQ(reached({.exchange = "amq.match", .header = "kind=dog"}), Names{"q"});
    EXPECT_EQ(reached({.exchange = "amq.match"}), Names{"q"});
}

TEST_F(RoutingTest, ExchangesLeadToExchangesAlsoInCircles) {
    for (const char* name : {"a", "b"})
        station_.queue(name);
    for (const char* name : {"x", "y", "z"})
        station_.exchange(name, "topic");
    bind_exchange("x", "y", "#");
    bind_exchange("y", "z", "*.ok");
    bind_exchange("z", "x", "#");
    station_.bind("y", "a", "#");
    station_.bind("z", "b", "#");
    EXPECT_EQ(reached({"x", "is.ok"}), (Names{"a", "b"}));
    EXPECT_EQ(reached({"x", "is.not"}), Names{"a"});
    EXPECT_EQ(reached({"z", "is.ok"}), (Names{"a", "b"}));
    ASSERT_TRUE(station_.host->delete_exchange("y", false).ok());
    EXPECT_EQ(reached({"z", "is.ok"}), Names{"b"});
    EXPECT_EQ(reached({"x", "is.ok"}), Names{});
}

TEST_F(RoutingTest, WhatNoBindingWantsGoesToTheAlternateExchange) {
    for (const char* name : {"wanted", "rest"})
        station_.queue(name);
    station_.exchange("other", "fanout");
    station_.exchange("x", "direct", {{"alternate-exchange", {std::string("other")}}});
    station_.bind("x", "wanted", "k");
    station_.bind("other", "rest");
    EXPECT_EQ(reached({"x", "k"}), Names{"wanted"});
    EXPECT_EQ(reached({"x", "j"}), Names{"rest"});
    EXPECT_EQ(outcome_, Published::Outcome::routed);
    ASSERT_TRUE(station_.host->delete_exchange("other", false).ok());
    EXPECT_EQ(reached({"x", "j"}), Names{});
    EXPECT_EQ(outcome_, Published::Outcome::unroutable);
}

TEST_F(RoutingTest, OnlyExchangesPublishToAnInternalOne) {
    station_.queue("q");
    ExchangeSpec spec{"inner", "fanout", true, false, true, {}};
    ASSERT_TRUE(station_.host->declare_exchange(spec).ok());
    station_.bind("inner", "q");
    for (int n = 0; n < 2; ++n) {
        const auto refused = station_.try_send({"inner", "k"});
        EXPECT_EQ(refused.error().code, Errc::denied);
        EXPECT_EQ(refused.error().message, "cannot publish to internal exchange 'inner' in vhost '/'");
    }
    bind_exchange("amq.fanout", "inner");
    EXPECT_EQ(reached({"amq.fanout", "k"}), Names{"q"});
    EXPECT_EQ(station_.try_send({"inner", "k"}).error().code, Errc::denied);
}

TEST_F(RoutingTest, MoreKeysRouteAsWellAndAQueueGetsOneCopy) {
    for (const char* name : {"a", "b", "c"}) {
        station_.queue(name);
        station_.bind("amq.direct", name, name);
    }
    EXPECT_EQ(reached({.exchange = "amq.direct", .key = "a", .more_keys = {"b", "a"}}), (Names{"a", "b"}));
    EXPECT_EQ(reached({.exchange = "", .key = "c", .more_keys = {"b", "c"}}), (Names{"b", "c"}));
    EXPECT_EQ(reached({"amq.direct", "a"}), Names{"a"});
}

TEST_F(RoutingTest, ConsistentHashSendsAKeyToOneQueueByWeight) {
    for (const char* name : {"light", "heavy"})
        station_.queue(name);
    station_.exchange("x", "x-consistent-hash");
    station_.bind("x", "light", "1");
    station_.bind("x", "heavy", "3");
    int heavy = 0;
    for (int n = 0; n < 400; ++n) {
        const Names first = reached({"x", "key" + std::to_string(n)});
        EXPECT_EQ(first.size(), 1u);
        heavy += static_cast<int>(first.count("heavy"));
        if (n < 20) {
            EXPECT_EQ(reached({"x", "key" + std::to_string(n)}), first);
        }
    }
    EXPECT_NEAR(heavy, 300, 40);
    EXPECT_EQ(station_.host->bind({"x", DestinationKind::queue, "light", "much", {}}, 0).error().message,
              "The binding key must be an integer: <<\"much\">>");
    EXPECT_EQ(station_.host->bind({"x", DestinationKind::queue, "light", "0", {}}, 0).error().message,
              "The binding key must be greater than 0");
}

TEST_F(RoutingTest, ConsistentHashByHeader) {
    for (const char* name : {"a", "b", "c"})
        station_.queue(name);
    station_.exchange("x", "x-consistent-hash", {{"hash-header", {std::string("user")}}});
    for (const char* name : {"a", "b", "c"})
        station_.bind("x", name, "10");
    std::set<std::string> used;
    for (int n = 0; n < 30; ++n) {
        const std::string header = "user=" + std::to_string(n);
        const Names first = reached({.exchange = "x", .key = "1", .header = header});
        EXPECT_EQ(reached({.exchange = "x", .key = "2", .header = header}), first);
        used.merge(Names(first));
    }
    EXPECT_EQ(used.size(), 3u);
}

TEST_F(RoutingTest, ARandomExchangeTakesOneOfItsBindings) {
    for (const char* name : {"a", "b"})
        station_.queue(name);
    station_.exchange("x", "x-random");
    station_.bind("x", "a");
    station_.bind("x", "b");
    std::set<std::string> used;
    for (int n = 0; n < 40; ++n) {
        const Names one = reached({"x", ""});
        EXPECT_EQ(one.size(), 1u);
        used.merge(Names(one));
    }
    EXPECT_EQ(used.size(), 2u);
}

TEST_F(RoutingTest, AChainOfAutoDeleteExchangesGoesHoweverLongItIs) {
    station_.queue("q");
    for (int n = 0; n < 150'000; ++n) {
        ExchangeSpec spec;
        spec.name = std::to_string(n);
        spec.type = "fanout";
        spec.auto_delete = true;
        ASSERT_TRUE(station_.host->declare_exchange(spec).ok());
        const auto kind = n == 0 ? DestinationKind::queue : DestinationKind::exchange;
        const std::string to = n == 0 ? "q" : std::to_string(n - 1);
        ASSERT_TRUE(station_.host->bind({spec.name, kind, to, "", {}}, 0).ok());
    }
    ASSERT_TRUE(station_.host->delete_queue("q", false, false, 0).ok());
    EXPECT_EQ(station_.host->exchange("0"), nullptr);
    EXPECT_EQ(station_.host->exchange("149999"), nullptr);
}

TEST(LimitedRoutingTest, ExchangesAndBindingsHaveAMost) {
    Station station({}, {.seed = 7, .exchanges_max = 9, .bindings_max = 2});
    station.exchange("a", "fanout");  // with the predeclared ones
    station.exchange("b", "fanout");
    EXPECT_EQ(station.host->declare_exchange({"c", "fanout", false, false, false, {}}).error().code,
              Errc::invalid);
    EXPECT_TRUE(station.host->declare_exchange({"b", "fanout", true, false, false, {}}).ok());
    station.queue("q");
    station.bind("a", "q", "1");
    station.bind("a", "q", "2");
    station.bind("a", "q", "2");
    EXPECT_EQ(station.host->bind({"a", DestinationKind::queue, "q", "3", {}}, 0).error().code, Errc::invalid);
}

TEST_F(RoutingTest, AQueueWithVeryManyBindingsGoesAsFastAsTheyCame) {
    station_.queue("q", {}, false);
    station_.queue("other");
    for (const auto& [exchange, count] :
         {std::pair("amq.fanout", 100'000), std::pair("amq.direct", 1'000), std::pair("amq.topic", 1'000)}) {
        station_.bind(exchange, "other", "k");
        for (int n = 0; n < count; ++n)
            station_.bind(exchange, "q", "k", {{"n", {std::int64_t{n}}}});
    }
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(station_.host->delete_queue("q", false, false, 0).ok());
    // Looking for each among the others takes minutes.
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
    for (const char* exchange : {"amq.fanout", "amq.direct", "amq.topic"})
        EXPECT_EQ(reached({exchange, "k"}), Names{"other"});
}

TEST_F(RoutingTest, AWeightTakesNoMemoryAndItsShare) {
    station_.exchange("x", "x-consistent-hash");
    for (const char* name : {"little", "gone", "much"})
        station_.queue(name);
    station_.bind("x", "little", "1000000");
    station_.bind("x", "gone", "100000000");
    station_.bind("x", "much", "9000000");
    ASSERT_TRUE(station_.host->delete_queue("gone", false, false, 0).ok());
    int little = 0;
    for (int n = 0; n < 2'000; ++n) {
        const Names one = reached({"x", std::to_string(n)});
        ASSERT_EQ(one.size(), 1u);
        little += one == Names{"little"};
    }
    EXPECT_GT(little, 120);
    EXPECT_LT(little, 280);
    const Binding too_much{"x", DestinationKind::queue, "little", "1000000000", {}};
    EXPECT_EQ(station_.host->bind(too_much, 0).error().code, Errc::invalid);
}

/// More queues than one record names.
TEST_F(RoutingTest, AMessageIsInAllOfItsQueuesOrInNone) {
    constexpr std::size_t count = 600;
    for (std::size_t n = 0; n < count; ++n) {
        station_.queue(std::to_string(n));
        station_.bind("amq.fanout", std::to_string(n));
    }
    Queue& full = station_.queue("full", {{"x-max-length", {std::int64_t{0}}},
                                          {"x-overflow", {std::string("reject-publish-dlx")}},
                                          {"x-dead-letter-exchange", {std::string("")}},
                                          {"x-dead-letter-routing-key", {std::string("dead")}}});
    station_.queue("dead");
    station_.bind("amq.fanout", "full");
    station_.sync();
    const auto ready = [&] {
        std::size_t sum = 0;
        station_.host->each_queue([&](Queue& queue) { sum += queue.counts().ready; });
        return sum;
    };
    const Station::Send send{.exchange = "amq.fanout", .body = std::string(12'000, 'x')};
    const auto space = *station_.files.disk_space();
    station_.files.set_capacity(space.total - space.free);
    std::size_t sent = 0;
    for (; sent < 200; ++sent) {
        const auto published = station_.try_send(send);
        if (!published) break;
        station_.tick();
    }
    ASSERT_LT(sent, 200u) << "the disk never became full";
    for (int n = 0; n < 3; ++n)
        EXPECT_EQ(station_.try_send(send).error().code, Errc::no_space);
    station_.tick();
    EXPECT_EQ(full.counts().dead_lettered, sent);
    EXPECT_EQ(ready(), sent * (count + 1));
}

TEST_F(RoutingTest, AnAutoDeleteExchangeGoesWithItsLastBinding) {
    station_.queue("q");
    ASSERT_TRUE(station_.host->declare_exchange({"x", "direct", false, true, false, {}}).ok());
    station_.bind("x", "q", "1");
    station_.bind("x", "q", "2");
    ASSERT_TRUE(station_.host->unbind({"x", DestinationKind::queue, "q", "1", {}}, 0).ok());
    EXPECT_NE(station_.host->exchange("x"), nullptr);
    ASSERT_TRUE(station_.host->delete_queue("q", false, false, 0).ok());
    EXPECT_EQ(station_.host->exchange("x"), nullptr);
}

TEST_F(RoutingTest, AnExchangeIsWarnedAboutOnce) {
    std::vector<std::string> lines;
    set_log_sink([&](LogLevel, std::string_view, std::string_view line) { lines.emplace_back(line); });
    station_.queue("q");
    station_.exchange("x", "direct");
    station_.bind("x", "q", "#");
    station_.bind("x", "q", "a.*");
    EXPECT_EQ(reached({"x", "agent"}), Names{});
    EXPECT_EQ(reached({"x", "#"}), Names{"q"});
    set_log_sink(nullptr);
    ASSERT_EQ(lines.size(), 1u);
    EXPECT_EQ(lines[0].substr(0, 52), "vhost '/': 'q' is bound to the direct exchange 'x' w");
}

TEST_F(RoutingTest, ABindingIsTheSameWhateverTheOrderOfItsArguments) {
    station_.queue("q");
    station_.exchange("x", "headers");
    const model::Arguments one{{"x-match", {std::string("all")}}, {"h", {std::string("v")}}};
    const model::Arguments other{{"h", {std::string("v")}}, {"x-match", {std::string("all")}}};
    ASSERT_TRUE(station_.host->bind({"x", DestinationKind::queue, "q", "", one}, 0).ok());
    EXPECT_EQ(reached({.exchange = "x", .key = "", .header = "h=v"}), Names{"q"});
    ASSERT_TRUE(station_.host->unbind({"x", DestinationKind::queue, "q", "", other}, 0).ok());
    EXPECT_EQ(reached({.exchange = "x", .key = "", .header = "h=v"}), Names{});
}

TEST_F(RoutingTest, NamesMayHoldTheCharactersDefinitionsAreKeptWith) {
    ASSERT_TRUE(station_.hosts->add("a\x1f\x1e").ok());
    station_.queue("q\x1fk");
    station_.queue("q");
    station_.exchange("x", "direct");
    station_.bind("x", "q\x1fk", "");
    station_.bind("x", "q", "k\x1f");  // with its separators written as they are: the same as the first
    const auto bindings = [&] {
        std::set<std::string> all;
        station_.host->each_binding([&](const Binding& binding) {
            if (binding.source == "x") all.insert(binding.destination + ">" + binding.key);
        });
        return all;
    };
    EXPECT_THAT(bindings(), UnorderedElementsAre("q\x1fk>", "q>k\x1f"));
    station_.sync();
    station_.kill();
    EXPECT_THAT(bindings(), UnorderedElementsAre("q\x1fk>", "q>k\x1f"));
    EXPECT_NE(station_.hosts->find("a\x1f\x1e"), nullptr);
}

TEST_F(RoutingTest, DeletingAnExchangeInUseIsRefusedWhenAsked) {
    station_.queue("q");
    station_.exchange("x", "direct");
    station_.bind("x", "q", "k");
    EXPECT_EQ(station_.host->delete_exchange("x", true).error().message, "exchange 'x' in vhost '/' in use");
    EXPECT_EQ(station_.host->delete_exchange("amq.direct", false).error().message,
              "deletion of system exchange 'amq.direct' in vhost '/' not allowed");
    EXPECT_TRUE(station_.host->delete_exchange("nothing", false).ok());
    EXPECT_TRUE(station_.host->delete_exchange("x", false).ok());
    EXPECT_EQ(station_.try_send({"x", "k"}).error().message, "no exchange 'x' in vhost '/'");
}

TEST_F(RoutingTest, NamesOfExchangesAndTheirTypesAreChecked) {
    EXPECT_EQ(
        station_.host->declare_exchange({"amq.mine", "direct", false, false, false, {}}).error().message,
        "exchange name 'amq.mine' contains reserved prefix 'amq.*'");
    const auto unknown = station_.host->declare_exchange({"x", "sideways", false, false, false, {}});
    EXPECT_EQ(unknown.error().code, Errc::unsupported);
    EXPECT_EQ(unknown.error().message, "unknown exchange type 'sideways'");
    ASSERT_TRUE(station_.host->declare_exchange({"a\r\nb", "direct", false, false, false, {}}).ok());
    EXPECT_NE(station_.host->exchange("ab"), nullptr);
    EXPECT_EQ(station_.host->bind({"none", DestinationKind::queue, "q", "", {}}, 0).error().message,
              "no exchange 'none' in vhost '/'");
    EXPECT_EQ(station_.host->bind({"ab", DestinationKind::queue, "q", "", {}}, 0).error().message,
              "no queue 'q' in vhost '/'");
}

/// Names, bindings and keys come and go at random; what routing does is compared with its plain meaning.
TEST_F(RoutingTest, FollowsBindingsAsTheirPlainMeaningSays) {
    struct Edge {
        std::string source, destination, key;
        bool to_queue;
        auto operator<=>(const Edge&) const = default;
    };
    env::Random random(11);
    const auto pick = [&](std::initializer_list<const char*> of) {
        return std::string(of.begin()[random.below(of.size())]);
    };
    std::set<std::string> queues, exchanges;
    std::set<Edge> edges;
    std::map<std::string, std::string> types{
        {"d1", "direct"}, {"d2", "direct"}, {"f1", "fanout"}, {"f2", "fanout"}};
    for (int step = 0; step < 1500; ++step) {
        const std::string exchange = pick({"d1", "d2", "f1", "f2"}), queue = pick({"q1", "q2", "q3"});
        const std::string key = pick({"a", "b", "c"});
        switch (random.below(7)) {
            case 0:
                station_.queue(queue, {}, false);
                queues.insert(queue);
                break;
            case 1:
                if (random.chance(0.2)) {
                    ASSERT_TRUE(station_.host->delete_queue(queue, false, false, 0).ok());
                    queues.erase(queue);
                    std::erase_if(edges, [&](const Edge& e) { return e.to_queue && e.destination == queue; });
                }
                break;
            case 2:
                station_.exchange(exchange, types[exchange]);
                exchanges.insert(exchange);
                break;
            case 3:
                if (random.chance(0.2)) {
                    ASSERT_TRUE(station_.host->delete_exchange(exchange, false).ok());
                    exchanges.erase(exchange);
                    std::erase_if(edges, [&](const Edge& e) {
                        return e.source == exchange || (!e.to_queue && e.destination == exchange);
                    });
                }
                break;
            case 4:
            case 5: {
                const bool to_queue = random.chance(0.6);
                const Edge edge{exchange, to_queue ? queue : pick({"d1", "d2", "f1", "f2"}), key, to_queue};
                const Binding binding{edge.source,
                                      to_queue ? DestinationKind::queue : DestinationKind::exchange,
                                      edge.destination,
                                      key,
                                      {}};
                if (random.chance(0.3)) {
                    ASSERT_TRUE(station_.host->unbind(binding, 0).ok());
                    edges.erase(edge);
                } else {
                    const bool there = exchanges.count(edge.source) &&
                                       (to_queue ? queues : exchanges).count(edge.destination);
                    EXPECT_EQ(station_.host->bind(binding, 0).ok(), there);
                    if (there) edges.insert(edge);
                }
                break;
            }
            default:
                break;
        }
        if (!exchanges.count(exchange)) continue;
        Names expected, seen{exchange};
        std::vector<std::string> open{exchange};
        while (!open.empty()) {
            const std::string from = open.back();
            open.pop_back();
            for (const Edge& edge : edges) {
                if (edge.source != from || (types[from] == "direct" && edge.key != key)) continue;
                if (edge.to_queue)
                    expected.insert(edge.destination);
                else if (seen.insert(edge.destination).second)
                    open.push_back(edge.destination);
            }
        }
        ASSERT_EQ(reached({.exchange = exchange, .key = key, .persistent = false}), expected)
            << "step " << step << " " << exchange << " " << key;
    }
}

}  // namespace
}  // namespace posthorn::exchange
