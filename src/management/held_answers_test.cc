#include <fmt/format.h>

#include "rig_for_test.h"

namespace posthorn::management {
namespace {

using http::Verb;

/// Names are committed when the worker is told to run.
struct HeldAnswersTest : testing::Test {
    Rig rig{Rig::Names::committed_by_hand};

    Rig::Awaited ask(Verb verb, std::string path, std::string body = "{}") {
        const auto answer = rig.ask(rig.request(verb, std::move(path), std::move(body)));
        for (int tick = 0; tick < 5; ++tick)
            rig.pass(1);
        return answer;
    }
    void fail_with(std::optional<Error> error) {
        store::MemoryDefinitions::fail(*rig.definitions, std::move(error));
    }
};

TEST_F(HeldAnswersTest, WhatChangesNamesIsAnsweredWhenTheChangeIsDurable) {
    struct Step {
        Verb verb;
        const char* path;
        const char* body;
        unsigned status;
    };
    const std::string definitions =
        R"({"queues":[{"name":"imported","vhost":"/","durable":true,"arguments":{}}]})";
    for (const Step& step : {
             Step{Verb::put, "/api/vhosts/v", "{}", 201},
             {Verb::put, "/api/vhost-limits/v/max-queues", R"({"value":9})", 204},
             {Verb::put, "/api/exchanges/v/x", R"({"type":"topic","durable":true})", 201},
             {Verb::put, "/api/queues/v/q", R"({"durable":true})", 201},
             {Verb::post, "/api/bindings/v/e/x/q/q", R"({"routing_key":"a"})", 201},
             {Verb::put, "/api/policies/v/p", R"({"pattern":".*","definition":{"max-length":5}})", 201},
             {Verb::put, "/api/operator-policies/v/o", R"({"pattern":".*","definition":{"max-length":5}})",
              201},
             {Verb::put, "/api/users/u", R"({"password":"x","tags":""})", 201},
             {Verb::put, "/api/permissions/v/u", R"({"configure":"","write":"","read":""})", 201},
             {Verb::put, "/api/topic-permissions/v/u", R"({"exchange":"x","write":"","read":""})", 201},
             {Verb::put, "/api/parameters/shovel/v/s", R"({"value":{}})", 201},
             {Verb::put, "/api/global-parameters/g", R"({"value":1})", 201},
             {Verb::put, "/api/cluster-name", R"({"name":"here"})", 204},
             {Verb::post, "/api/definitions", definitions.c_str(), 204},
             {Verb::del, "/api/bindings/v/e/x/q/q/a", "", 204},
             {Verb::del, "/api/queues/v/q", "", 204},
             {Verb::del, "/api/exchanges/v/x", "", 204},
             {Verb::del, "/api/policies/v/p", "", 204},
             {Verb::del, "/api/operator-policies/v/o", "", 204},
             {Verb::del, "/api/topic-permissions/v/u", "", 204},
             {Verb::del, "/api/permissions/v/u", "", 204},
             {Verb::post, "/api/users/bulk-delete", R"({"users":["u"]})", 204},
             {Verb::del, "/api/parameters/shovel/v/s", "", 204},
             {Verb::del, "/api/global-parameters/g", "", 204},
             {Verb::del, "/api/vhost-limits/v/max-queues", "", 204},
             {Verb::del, "/api/vhosts/v", "", 204},
         }) {
        SCOPED_TRACE(fmt::format("{} {}", http::name(step.verb), step.path));
        const auto answer = ask(step.verb, step.path, step.body);
        EXPECT_FALSE(answer->has_value()) << "told before a crash could not take it back";
        rig.commit_names();
        ASSERT_TRUE(answer->has_value());
        EXPECT_EQ((*answer)->status, step.status) << (*answer)->body;
    }
}

TEST_F(HeldAnswersTest, WhoFindsANameOnItsWayWaitsAsWellAndNobodyElse) {
    const auto first = ask(Verb::put, "/api/queues/%2F/q", R"({"durable":true})");
    const auto second = ask(Verb::put, "/api/queues/%2F/q", R"({"durable":true})");
    EXPECT_FALSE(*second);
    EXPECT_EQ(ask(Verb::get, "/api/queues/%2F/q")->value().status, 200u);
    EXPECT_EQ(ask(Verb::put, "/api/queues/%2F/transient", R"({"durable":false})")->value().status, 201u);
    EXPECT_EQ(ask(Verb::del, "/api/queues/%2F/q/contents")->value().status, 204u);
    rig.commit_names();
    ASSERT_TRUE(*first && *second);
    EXPECT_EQ((*first)->status, 201u);
    EXPECT_EQ((*second)->status, 204u);
}

TEST_F(HeldAnswersTest, ThatAThingIsNotThereIsToldWhenItCannotComeBack) {
    ASSERT_TRUE(ask(Verb::put, "/api/queues/%2F/q", R"({"durable":true})"));
    rig.commit_names();
    ask(Verb::del, "/api/queues/%2F/q");
    const auto answer = ask(Verb::del, "/api/queues/%2F/q");
    EXPECT_FALSE(*answer);
    rig.commit_names();
    ASSERT_TRUE(*answer);
    EXPECT_EQ((*answer)->status, 404u);
}

TEST_F(HeldAnswersTest, AChangeTheDiskDoesNotTakeIsAnError) {
    const auto answer = ask(Verb::put, "/api/queues/%2F/q", R"({"durable":true})");
    fail_with(Error{Errc::no_space, "full"});
    rig.commit_names();
    ASSERT_TRUE(*answer);
    EXPECT_EQ((*answer)->status, 503u);
    EXPECT_NE((*answer)->body.find("full"), std::string::npos);
}

TEST_F(HeldAnswersTest, WhileTheDiskTakesNothingWhoChangesNamesIsToldBeforeAnythingIsDone) {
    ASSERT_TRUE(rig.users->put_user("u", "x", {}).ok());
    rig.commit_names();
    fail_with(Error{Errc::no_space, "full"});
    ask(Verb::put, "/api/queues/%2F/first", R"({"durable":true})");
    rig.commit_names();
    for (const auto& [verb, path, body] :
         {std::tuple{Verb::put, "/api/queues/%2F/q", R"({"durable":true})"},
          {Verb::put, "/api/users/v", R"({"password":"x","tags":""})"},
          {Verb::del, "/api/users/u", ""},
          {Verb::put, "/api/vhosts/v", ""},
          {Verb::put, "/api/vhost-limits/%2F/max-queues", R"({"value":0})"},
          {Verb::put, "/api/global-parameters/g", R"({"value":1})"},
          {Verb::post, "/api/definitions", R"({"vhosts":[{"name":"v"}]})"}}) {
        const auto answer = ask(verb, path, body);
        ASSERT_TRUE(*answer) << path;
        EXPECT_EQ((*answer)->status, 503u) << path << " " << (*answer)->body;
    }
    EXPECT_EQ(rig.host().queue("q"), nullptr);
    EXPECT_EQ(rig.hosts->find("v"), nullptr);
    EXPECT_EQ(rig.users->user("v"), nullptr);
    EXPECT_NE(rig.users->user("u"), nullptr);
    EXPECT_TRUE(rig.sessions.closed.empty());
    EXPECT_EQ(rig.host().limits(), exchange::HostLimits());
    EXPECT_EQ(ask(Verb::put, "/api/queues/%2F/transient")->value().status, 201u);

    fail_with(std::nullopt);
    rig.pass(1'000);
    rig.commit_names();
    const auto answer = ask(Verb::put, "/api/queues/%2F/q", R"({"durable":true})");
    rig.commit_names();
    EXPECT_EQ(answer->value().status, 201u);
}

}  // namespace
}  // namespace posthorn::management
