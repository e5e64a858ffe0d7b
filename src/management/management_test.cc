#include "management/management.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "rig_for_test.h"

namespace posthorn::management {
namespace {

using http::Verb;
using testing::HasSubstr;

class ManagementApi : public testing::Test {
  protected:
    void declare(const std::string& queue, const std::string& body = R"({"durable":true})") {
        EXPECT_EQ(rig.put("/api/queues/%2F/" + queue, body).status, 201u) << queue;
    }
    Answer publish(const std::string& queue, const std::string& body, const std::string& properties = "{}") {
        return rig.post(
            "/api/exchanges/%2F/amq.default/publish",
            fmt::format(
                R"({{"properties":{},"routing_key":"{}","payload":"{}","payload_encoding":"string"}})",
                properties, queue, body));
    }
    Rig rig;
};

// --- who may -----------------------------------------------------------------------------------------------

TEST_F(ManagementApi, NobodyComesInWithoutAPassword) {
    rig.login = "";
    const Answer asked = rig.get("/api/overview");
    EXPECT_EQ(asked.status, 401u);
    EXPECT_EQ(asked.header("WWW-Authenticate"), "Basic realm=\"RabbitMQ Management\"");
    for (const char* wrong : {"guest:wrong", "nobody:guest", "guest", ":"}) {
        rig.login = wrong;
        const Answer refused = rig.get("/api/overview");
        EXPECT_EQ(refused.status, 401u) << wrong;
        EXPECT_EQ(refused.json["error"], "not_authorized");
        EXPECT_EQ(refused.header("WWW-Authenticate"), "") << "a page that sent a password asks by itself";
    }
}

TEST_F(ManagementApi, LoginsThatAreNoneAreRefused) {
    for (const char* header : {"Basic", "Basic !!!", "Basic Z3Vlc3Q", "Bearer x", "basic"}) {
        auto request = rig.request(Verb::get, "/api/whoami");
        request.headers = {{"authorization", header}};
        EXPECT_EQ(rig.send(request).status, 401u) << header;
    }
}

TEST_F(ManagementApi, GuestComesFromLoopbackOnly) {
    rig.peer = "10.1.2.3:555";
    EXPECT_EQ(rig.get("/api/whoami").json["reason"], "User can only log in via localhost");
    rig.peer = "::1:555";
    EXPECT_EQ(rig.get("/api/whoami").status, 200u);
}

TEST_F(ManagementApi, TagsSayWhoMayWhat) {
    for (const char* tag : {"management", "monitoring", "policymaker", "other"})
        ASSERT_TRUE(rig.users->put_user(tag, "x", {tag}).ok());
    struct Case {
        const char *user, *path;
        unsigned status;
    };
    for (const auto& [user, path, status] :
         {Case{"other", "/api/whoami", 401}, Case{"management", "/api/whoami", 200},
          Case{"management", "/api/nodes", 401}, Case{"monitoring", "/api/nodes", 200},
          Case{"monitoring", "/api/users", 401}, Case{"management", "/api/queues/%2F", 401},
          Case{"policymaker", "/api/global-parameters", 200},
          Case{"monitoring", "/api/global-parameters", 401}, Case{"policymaker", "/api/definitions", 401},
          Case{"guest", "/api/definitions", 200}}) {
        rig.login = user == std::string("guest") ? "guest:guest" : std::string(user) + ":x";
        EXPECT_EQ(rig.get(path).status, status) << user << " " << path;
    }
}

TEST_F(ManagementApi, AnEmptyNameInAPathIsNothingThere) {
    ASSERT_TRUE(rig.users->put_user("u", "x", {"management"}).ok());
    rig.login = "u:x";
    for (const char* path :
         {"/api/exchanges//x", "/api/queues//x", "/api/policies//x", "/api/aliveness-test//",
          "/api/vhosts//connections", "/api/bindings//e/a/q/b", "/api/parameters/policy//x"})
        EXPECT_EQ(rig.get(path).status, 404u) << path;
    EXPECT_EQ(rig.put("/api/vhost-limits//max-queues", "{}").status, 404u);
    EXPECT_EQ(rig.post("/api/definitions//", "{}").status, 404u);
}

TEST_F(ManagementApi, WhatIsTheAdministratorsIsNoParameterOfPolicymakers) {
    ASSERT_TRUE(rig.users->put_user("p", "x", {"policymaker"}).ok());
    ASSERT_TRUE(rig.users->put_permission("p", "/", {".*", ".*", ".*"}).ok());
    const char* const limits = "/api/parameters/vhost-limits/%2F/limits";
    const char* const rule = "/api/parameters/operator_policy/%2F/cap";
    const char* const body = R"({"value":{"pattern":".*","definition":{"max-length":1}}})";
    rig.login = "p:x";
    EXPECT_EQ(rig.put(limits, R"({"value":{"max-connections":0}})").status, 401u);
    EXPECT_EQ(rig.put(rule, body).status, 401u);
    EXPECT_EQ(rig.put("/api/parameters/policy/%2F/mine", body).status, 400u);
    rig.login = "guest:guest";
    EXPECT_EQ(rig.put(limits, R"({"value":{"max-connections":5}})").status, 201u);
    EXPECT_EQ(rig.put(rule, body).status, 201u);
    rig.login = "p:x";
    EXPECT_EQ(rig.del(rule).status, 401u);
    EXPECT_EQ(rig.del(limits).status, 401u);
}

TEST_F(ManagementApi, PermissionsAreThoseOfTheProtocol) {
    ASSERT_TRUE(rig.users->put_user("u", "x", {"management"}).ok());
    ASSERT_TRUE(rig.users->put_permission("u", "/", {"^mine", "^mine", "^mine"}).ok());
    declare("theirs");
    rig.login = "u:x";
    EXPECT_EQ(rig.put("/api/queues/%2F/mine-1").status, 201u);
    EXPECT_EQ(rig.put("/api/queues/%2F/other").status, 401u);
    EXPECT_EQ(rig.del("/api/queues/%2F/theirs").status, 401u);
    EXPECT_EQ(rig.del("/api/queues/%2F/theirs/contents").status, 401u);
    EXPECT_EQ(rig.put("/api/exchanges/%2F/other", R"({"type":"fanout"})").status, 401u);
    EXPECT_EQ(rig.post("/api/bindings/%2F/e/amq.topic/q/mine-1").status, 401u);
    EXPECT_EQ(rig.post("/api/queues/%2F/theirs/get",
                       R"({"count":1,"ackmode":"ack_requeue_true","encoding":"auto"})")
                  .status,
              401u);
    EXPECT_EQ(publish("theirs", "x").status, 400u);
}

TEST_F(ManagementApi, AnotherSitesPageChangesNothing) {
    auto request = rig.request(Verb::put, "/api/queues/%2F/q", "{}");
    request.headers.emplace_back("host", "127.0.0.1:15672");
    request.headers.emplace_back("origin", "http://evil.example");
    EXPECT_EQ(rig.send(request).status, 403u);
    request.headers.back().second = "http://127.0.0.1:15672";
    EXPECT_EQ(rig.send(request).status, 201u);
    request.headers.emplace_back("sec-fetch-site", "cross-site");
    EXPECT_EQ(rig.send(request).status, 403u);
}

// --- errors ------------------------------------------------------------------------------------------------

TEST_F(ManagementApi, ErrorsHaveTheOriginalsShape) {
    EXPECT_EQ(rig.get("/api/queues/%2F/none").json,
              Json({{"error", "Object Not Found"}, {"reason", "Not Found"}}));
    EXPECT_EQ(rig.get("/api/nothing").status, 404u);
    EXPECT_EQ(rig.get("/api/queues/nowhere").status, 404u);
    EXPECT_EQ(rig.post("/api/overview").status, 405u);
    EXPECT_EQ(rig.put("/api/queues/%2F/q", "{bad").json,
              Json({{"error", "bad_request"}, {"reason", "not_json"}}));
}

TEST_F(ManagementApi, WhatIsRefusedChangesNothing) {
    const char* const limits = "/api/parameters/vhost-limits/%2F/limits";
    ASSERT_EQ(rig.put(limits, R"({"value":{"max-connections":5}})").status, 201u);
    EXPECT_EQ(rig.put(limits, R"({"value":{"nonsense":0}})").status, 400u);
    EXPECT_EQ(rig.get("/api/vhost-limits").json[0]["value"], Json({{"max-connections", 5}}));
    EXPECT_EQ(rig.put("/api/vhosts/x", R"({"tags":5})").status, 400u);
    EXPECT_EQ(rig.get("/api/vhosts/x").status, 404u);
}

TEST_F(ManagementApi, NamesOfAnyBytesStandEncodedInAnAnswersHeaders) {
    declare("a%0D%0AX-Evil: yes");
    const auto bound =
        rig.post("/api/bindings/%2F/e/amq.topic/q/a%0D%0AX-Evil:%20yes", R"({"routing_key":"k"})");
    ASSERT_EQ(bound.status, 201u);
    EXPECT_EQ(bound.header("Location"), "a%0D%0AX-Evil%3A%20yes/k");
}

TEST_F(ManagementApi, AnExpressionThatTakesTooLongIsABadRequest) {
    for (int n = 0; n < 3; ++n)
        declare("abcdefghijklmnopqrstuvwxyz0123456789-" + std::to_string(n));
    const auto listed =
        rig.get("/api/queues?page=1&use_regex=true&name=((%5Ba-z0-9-%5D%2B)*)*%5B%5Ea-z0-9-%5D$");
    EXPECT_EQ(listed.status, 400u);
    EXPECT_NE(listed.text.find("takes too long"), std::string::npos) << listed.text;
}

TEST_F(ManagementApi, HostileBodiesAndPathsAreBadRequests) {
    declare("q");
    const std::string deep(100'000, '[');
    const std::vector<std::string> bodies{"{",
                                          "[]",
                                          "null",
                                          "\"x\"",
                                          "{\"arguments\":\"x\"}",
                                          "{\"durable\":\"perhaps\"}",
                                          "\xff\xfe",
                                          deep,
                                          "{\"arguments\":" + deep,
                                          "{\"arguments\":{\"x-max-length\":-1},\"durable\":true}",
                                          "{\"durable\":[]}"};
    for (const auto& body : bodies)
        EXPECT_EQ(rig.put("/api/queues/%2F/new", body).status, 400u) << body.substr(0, 40);
    const std::vector<std::string> others{
        "{",
        "[]",
        "{}",
        "{\"count\":\"x\",\"ackmode\":\"ack_requeue_true\",\"encoding\":\"auto\"}",
        "{\"count\":1,\"ackmode\":\"x\",\"encoding\":\"auto\"}",
        "{\"count\":1,\"ackmode\":7,\"encoding\":[]}"};
    for (const auto& body : others) {
        EXPECT_EQ(rig.post("/api/queues/%2F/q/get", body).status, 400u) << body;
        EXPECT_EQ(rig.post("/api/exchanges/%2F/amq.direct/publish", body).status, 400u) << body;
        EXPECT_EQ(rig.put("/api/policies/%2F/p", body).status, 400u) << body;
        EXPECT_EQ(rig.put("/api/users/u", body).status, 400u) << body;
        EXPECT_EQ(rig.put("/api/permissions/%2F/guest", body).status, 400u) << body;
        EXPECT_EQ(rig.put("/api/parameters/vhost-limits/%2F/limits", body).status, 400u) << body;
    }
    for (const char* path :
         {"/api/%", "/api/queues/%2", "/api/queues/%zz/q", "/api/queues?page=-1", "/api/queues?page=x",
          "/api/queues?page=1&page_size=501", "/api/queues?page=99999999999999999999",
          "/api/queues?page=1&name=(&use_regex=true"})
        EXPECT_EQ(rig.get(path).status, 400u) << path;
    EXPECT_EQ(rig.get("/api/queues/%2F/%ff%00%0a").status, 404u);
    EXPECT_EQ(rig.put("/api/queues/%2F/" + std::string(300, 'n')).status, 400u);
}

// --- names -------------------------------------------------------------------------------------------------

TEST_F(ManagementApi, ThingsAreMadeOnceShownAndDeleted) {
    EXPECT_EQ(
        rig.put("/api/exchanges/%2F/x", R"({"type":"topic","durable":"true","auto_delete":"false"})").status,
        201u);
    EXPECT_EQ(rig.put("/api/exchanges/%2F/x", R"({"type":"topic","durable":true})").status, 204u);
    EXPECT_THAT(rig.put("/api/exchanges/%2F/x", R"({"type":"fanout","durable":true})").json["reason"],
                HasSubstr("inequivalent arg 'type'"));
    declare("q");
    EXPECT_EQ(rig.post("/api/bindings/%2F/e/x/q/q", R"({"routing_key":"a b/#~"})").header("Location"),
              "q/a+b%252F%2523%257E");
    const Answer bindings = rig.get("/api/bindings/%2F/e/x/q/q");
    ASSERT_EQ(bindings.json.size(), 1u);
    EXPECT_EQ(bindings.json[0]["properties_key"], "a+b%2F%23%7E");
    EXPECT_EQ(rig.get("/api/bindings/%2F/e/x/q/q/a+b%252F%2523%257E").json["routing_key"], "a b/#~");
    EXPECT_EQ(rig.del("/api/bindings/%2F/e/x/q/q/a+b%252F%2523%257E").status, 204u);
    EXPECT_EQ(rig.del("/api/bindings/%2F/e/x/q/q/a+b%252F%2523%257E").status, 404u);
    EXPECT_EQ(rig.del("/api/queues/%2F/q?if-unused=true&if-empty=true").status, 204u);
    EXPECT_EQ(rig.del("/api/exchanges/%2F/x").status, 204u);
    EXPECT_EQ(rig.del("/api/exchanges/%2F/x").status, 404u);
    EXPECT_EQ(rig.del("/api/exchanges/%2F/amq.direct").status, 401u);
}

TEST_F(ManagementApi, BindingsThatDifferInArgumentsHaveDifferentKeys) {
    declare("q");
    for (const char* arguments : {"{}", R"({"a":1})", R"({"a":2})"})
        EXPECT_EQ(rig.post("/api/bindings/%2F/e/amq.headers/q/q",
                           fmt::format(R"({{"routing_key":"","arguments":{}}})", arguments))
                      .status,
                  201u);
    const Answer listed = rig.get("/api/bindings/%2F/e/amq.headers/q/q");
    ASSERT_EQ(listed.json.size(), 3u);
    std::set<std::string> keys;
    for (const Json& row : listed.json)
        keys.insert(row["properties_key"].get<std::string>());
    EXPECT_EQ(keys.size(), 3u);
    EXPECT_EQ(keys.count("~"), 1u);
}

TEST_F(ManagementApi, AVirtualHostGivesItsMakerEverythingAndTakesItAlongWhenItGoes) {
    EXPECT_EQ(rig.put("/api/vhosts/v", R"({"description":"d","tags":"a, b"})").status, 201u);
    const Answer shown = rig.get("/api/vhosts/v");
    EXPECT_EQ(shown.json["description"], "d");
    EXPECT_EQ(shown.json["tags"], Json({"a", "b"}));
    EXPECT_EQ(rig.put("/api/queues/v/q").status, 201u);
    EXPECT_EQ(rig.del("/api/vhosts/v").status, 204u);
    EXPECT_EQ(rig.sessions.closed, std::vector<std::string>{"v"});
    EXPECT_FALSE(rig.users->permission("guest", "v"));
    EXPECT_EQ(rig.get("/api/vhosts/v").status, 404u);
    EXPECT_EQ(rig.put("/api/vhosts/v").status, 201u);
    EXPECT_EQ(rig.get("/api/vhosts/v").json["description"], "");
}

TEST_F(ManagementApi, WhatOperatorsLeaveIsThereAfterARestart) {
    EXPECT_EQ(rig.put("/api/global-parameters/a", R"({"value":{"b":[1]}})").status, 201u);
    EXPECT_EQ(rig.put("/api/cluster-name", R"({"name":"east"})").status, 204u);
    rig.management = std::make_unique<Management>(Foundation{rig.loop, *rig.broker, *rig.hosts, rig.alarms,
                                                             *rig.users, *rig.keep, rig.sessions, rig.worker},
                                                  ManagementOptions{});
    rig.router = {};
    rig.management->add_to(rig.router);
    EXPECT_EQ(rig.get("/api/global-parameters/a").json["value"], Json({{"b", {1}}}));
    EXPECT_EQ(rig.get("/api/overview").json["cluster_name"], "east");
}

// --- messages ----------------------------------------------------------------------------------------------

TEST_F(ManagementApi, APublishIsAnsweredWhenItIsSafeAndSaysWhetherItWasRouted) {
    declare("q");
    EXPECT_EQ(publish("q", "hello", R"({"delivery_mode":2})").json, Json({{"routed", true}}));
    EXPECT_GT(rig.ticks, 0) << "answered before anything was written";
    EXPECT_EQ(publish("nowhere", "hello").json, Json({{"routed", false}}));
}

TEST_F(ManagementApi, GotMessagesGoBackOrAwayAsAsked) {
    declare("q");
    for (const char* body : {"1", "2", "3"})
        publish("q", body);
    const auto get = [&](const char* mode, int count) {
        return rig
            .post("/api/queues/%2F/q/get",
                  fmt::format(R"({{"count":{},"ackmode":"{}","encoding":"auto"}})", count, mode))
            .json;
    };
    const Json first = get("ack_requeue_true", 2);
    ASSERT_EQ(first.size(), 2u);
    EXPECT_EQ(first[0]["payload"], "1");
    EXPECT_EQ(first[0]["redelivered"], false);
    EXPECT_EQ(first[1]["message_count"], 1);
    EXPECT_EQ(first[0]["properties"], Json::array());
    EXPECT_EQ(get("ack_requeue_false", 1)[0]["payload"], "1");
    EXPECT_EQ(get("reject_requeue_true", 1)[0]["payload"], "2");
    EXPECT_EQ(get("reject_requeue_false", 9).size(), 2u);
    EXPECT_EQ(get("ack_requeue_true", 9), Json::array());
    EXPECT_EQ(rig.host().queue("q")->counts().unacked, 0u);
}

TEST_F(ManagementApi, MessagesPublishedInThisTickAreWaitedFor) {
    declare("q");
    exchange::Publication publication;
    publication.key = "q", publication.format = store::Format{9}, publication.persistent = true;
    publication.payload = as_bytes("q body");
    ASSERT_TRUE(rig.host().publish(publication).ok());
    const Answer got =
        rig.post("/api/queues/%2F/q/get", R"({"count":1,"ackmode":"ack_requeue_false","encoding":"auto"})");
    ASSERT_EQ(got.json.size(), 1u);
    EXPECT_EQ(got.json[0]["payload"], "body");
}

TEST_F(ManagementApi, BytesThatAreNoTextAreBase64AndCutOnRequest) {
    declare("q");
    rig.post("/api/exchanges/%2F/amq.default/publish",
             R"({"properties":{},"routing_key":"q","payload":"/wD+","payload_encoding":"base64"})");
    const Answer got =
        rig.post("/api/queues/%2F/q/get",
                 R"({"count":"1","ackmode":"ack_requeue_false","encoding":"auto","truncate":2})");
    EXPECT_EQ(got.json[0]["payload_encoding"], "base64");
    EXPECT_EQ(got.json[0]["payload"], "/wA=");
    EXPECT_EQ(got.json[0]["payload_bytes"], 3);
    EXPECT_EQ(rig.post("/api/exchanges/%2F/amq.default/publish",
                       R"({"properties":{},"routing_key":"q","payload":"%%","payload_encoding":"base64"})")
                  .status,
              400u);
}

// --- the rest ----------------------------------------------------------------------------------------------

TEST_F(ManagementApi, PoliciesActAndOperatorsOnlyTighten) {
    declare("q", R"({"arguments":{"x-max-length":9}})");
    EXPECT_EQ(rig.put("/api/policies/%2F/p",
                      R"({"pattern":"^q","definition":{"max-length":5},"apply-to":"queues"})")
                  .status,
              201u);
    EXPECT_EQ(
        rig.put("/api/operator-policies/%2F/o", R"({"pattern":"^q","definition":{"max-length":2}})").status,
        201u);
    EXPECT_EQ(rig.host().queue("q")->settings().max_length, 2u);
    const Answer shown =
        rig.get("/api/queues/%2F/q?columns=policy,operator_policy,effective_policy_definition");
    EXPECT_EQ(shown.json,
              Json::parse(
                  R"({"policy":"p","operator_policy":"o","effective_policy_definition":{"max-length":2}})"));
    EXPECT_EQ(rig.get("/api/parameters/operator_policy/%2F/o").json["value"]["definition"]["max-length"], 2);
    EXPECT_EQ(rig.del("/api/operator-policies/%2F/o").status, 204u);
    EXPECT_EQ(rig.del("/api/policies/%2F/p").status, 204u);
    EXPECT_EQ(rig.host().queue("q")->settings().max_length, 9u);
    for (const char* body :
         {R"({"pattern":"(","definition":{"max-length":1}})", R"({"pattern":"a","definition":{"no":1}})",
          R"({"pattern":"a","definition":{"max-length":1},"apply-to":"no"})",
          R"({"pattern":"a","definition":{"max-length":1},"priority":"no"})"})
        EXPECT_THAT(rig.put("/api/policies/%2F/p", body).json["reason"], HasSubstr("Validation failed"))
            << body;
}

TEST_F(ManagementApi, UsersHaveLimits) {
    rig.put("/api/users/u", R"({"password":"x","tags":""})");
    EXPECT_EQ(rig.get("/api/user-limits").json, Json::array());
    EXPECT_EQ(rig.put("/api/user-limits/u/max-connections", R"({"value":3})").status, 204u);
    EXPECT_EQ(rig.put("/api/user-limits/u/max-channels", R"({"value":"7"})").status, 204u);
    const Json limits{{"max-connections", 3}, {"max-channels", 7}};
    EXPECT_EQ(rig.get("/api/user-limits/u").json, Json::array({{{"user", "u"}, {"value", limits}}}));
    EXPECT_EQ(rig.get("/api/users/u").json["limits"], limits);
    EXPECT_EQ(rig.users->user("u")->limits, (auth::UserLimits{3, 7}));
    EXPECT_EQ(rig.put("/api/user-limits/u/max-queues", R"({"value":3})").status, 400u);
    EXPECT_EQ(rig.put("/api/user-limits/u/max-channels", R"({"value":"many"})").status, 400u);
    EXPECT_EQ(rig.put("/api/user-limits/nobody/max-channels", R"({"value":1})").status, 404u);
    EXPECT_EQ(rig.get("/api/user-limits/nobody").status, 404u);
    EXPECT_EQ(rig.del("/api/user-limits/u/max-connections").status, 204u);
    EXPECT_EQ(rig.users->user("u")->limits, (auth::UserLimits{std::nullopt, 7}));
    EXPECT_EQ(rig.put("/api/user-limits/u/max-channels", R"({"value":-1})").status, 204u);
    EXPECT_EQ(rig.get("/api/user-limits").json, Json::array());
}

TEST_F(ManagementApi, DefinitionsOfOneServerMakeAnother) {
    rig.put("/api/vhosts/v");
    rig.put("/api/exchanges/v/x", R"({"type":"topic","durable":true})");
    rig.put("/api/queues/v/q", R"({"durable":true,"arguments":{"x-max-length":3}})");
    rig.post("/api/bindings/v/e/x/q/q", R"({"routing_key":"a.#"})");
    rig.put("/api/policies/v/p", R"({"pattern":".*","definition":{"max-length":2}})");
    rig.put("/api/operator-policies/v/o", R"({"pattern":".*","definition":{"expires":100000}})");
    rig.put("/api/vhost-limits/v/max-queues", R"({"value":7})");
    rig.put("/api/users/u", R"({"password":"secret","tags":"management"})");
    rig.put("/api/user-limits/u/max-connections", R"({"value":7})");
    rig.put("/api/permissions/v/u", R"({"configure":"a","write":"b","read":"c"})");
    rig.put("/api/topic-permissions/v/u", R"({"exchange":"x","write":"b","read":"c"})");
    const Answer out = rig.get("/api/definitions");

    Rig other;
    EXPECT_EQ(other.post("/api/definitions", out.text).status, 204u);
    const Answer again = other.get("/api/definitions");
    EXPECT_EQ(again.json, out.json);
    other.login = "u:secret";
    EXPECT_EQ(other.get("/api/whoami").status, 200u);
}

TEST_F(ManagementApi, DefinitionsStopAtTheFirstThatCannotBe) {
    for (const char* body : {R"({"queues":[{"name":"q","vhost":"none"}]})", R"({"queues":[7]})",
                             R"({"permissions":[{"user":"none","vhost":"/"}]})",
                             R"({"users":[{"name":"u"}]})", R"({"queues":[{"vhost":"/"}]})",
                             R"({"parameters":[{"component":"none","vhost":"/","name":"n","value":{}}]})"})
        EXPECT_EQ(rig.post("/api/definitions", body).status, 400u) << body;
}

TEST_F(ManagementApi, RatesAreWhatHappenedBetweenTwoNotes) {
    declare("q");
    rig.pass(5'000);
    for (int i = 0; i < 50; ++i)
        publish("q", "x");
    rig.pass(5'000);
    EXPECT_NEAR(rig.get("/api/queues/%2F/q").json["message_stats"]["publish_details"]["rate"].get<double>(),
                10.0, 1.0);
    EXPECT_GT(rig.get("/api/overview").json["message_stats"]["publish_details"]["rate"].get<double>(), 0.0);
    rig.pass(5'000);
    rig.pass(5'000);
    EXPECT_EQ(rig.get("/api/queues/%2F/q").json["message_stats"]["publish_details"]["rate"], 0.0);
}

TEST_F(ManagementApi, ChartsGetSamplesOfSingleThings) {
    declare("q");
    const std::string chart = "?lengths_age=60&lengths_incr=5&msg_rates_age=60&msg_rates_incr=5";
    rig.get("/api/queues/%2F/q" + chart), rig.get("/api/overview" + chart);
    for (int n = 0; n < 3; ++n) {
        publish("q", "x");
        rig.pass(5'000);
        rig.get("/api/overview" + chart);
    }
    const Json queue = rig.get("/api/queues/%2F/q" + chart).json;
    const Json& samples = queue["messages_details"]["samples"];
    ASSERT_GE(samples.size(), 3u);
    EXPECT_EQ(samples[0]["sample"], 3);
    EXPECT_EQ(samples.back()["sample"], 0);
    EXPECT_EQ(samples[0]["timestamp"].get<std::int64_t>() - samples[1]["timestamp"].get<std::int64_t>(),
              5'000);
    EXPECT_GT(queue["message_stats"]["publish_details"]["avg_rate"], 0.0);
    const Json overview = rig.get("/api/overview" + chart).json;
    EXPECT_GE(overview["queue_totals"]["messages_details"]["samples"].size(), 3u);
    EXPECT_GE(overview["message_stats"]["publish_details"]["samples"].size(), 3u);
    EXPECT_FALSE(rig.get("/api/queues/%2F/q").json["messages_details"].contains("samples"));
    EXPECT_EQ(rig.get("/api/overview?lengths_age=60&lengths_incr=0").json["error"],
              "invalid_range_parameters");
}

TEST_F(ManagementApi, ChecksSayWhatIsWrong) {
    EXPECT_EQ(rig.get("/api/health/checks/alarms").status, 200u);
    rig.alarms.set_limits({100, 0});
    rig.alarms.observe(200, 1'000);
    const Answer alarmed = rig.get("/api/health/checks/alarms");
    EXPECT_EQ(alarmed.status, 503u);
    EXPECT_EQ(alarmed.json["alarms"][0]["resource"], "memory");
    EXPECT_EQ(rig.get("/api/health/checks/port-listener/5672").status, 200u);
    EXPECT_EQ(rig.get("/api/health/checks/port-listener/1").status, 503u);
    EXPECT_EQ(rig.get("/api/health/checks/port-listener/x").status, 400u);
    EXPECT_EQ(rig.get("/api/health/checks/protocol-listener/mqtt").status, 503u);
    EXPECT_EQ(rig.get("/api/aliveness-test/%2F").json, Json({{"status", "ok"}}));
    EXPECT_EQ(rig.get("/api/aliveness-test/%2F").json, Json({{"status", "ok"}}));
}

TEST_F(ManagementApi, WhatRaisesAnAlarmCanBeSetWhileItRuns) {
    rig.alarms.set_limits({1'000, 100});
    rig.alarms.observe(500, 2'000);
    EXPECT_EQ(rig.put("/api/alarm-limits", R"({"memory":400})").status, 204u);
    EXPECT_TRUE(rig.alarms.raised(exchange::Alarms::Kind::memory));
    EXPECT_EQ(rig.alarms.limits().disk_free_bytes, 100u) << "what is not named stays";
    EXPECT_EQ(rig.put("/api/alarm-limits", R"({"memory":0,"disk_free":3000})").status, 204u);
    const Json limits = rig.get("/api/alarm-limits").json;
    EXPECT_EQ(limits["memory"], Json({{"limit", 0}, {"used", 500}, {"alarm", false}}));
    EXPECT_EQ(limits["disk_free"], Json({{"limit", 3'000}, {"free", 2'000}, {"alarm", true}}));
    for (const char* wrong : {R"({"memory":-1})", R"({"memory":"1"})", R"({"other":1})", "[]"})
        EXPECT_EQ(rig.put("/api/alarm-limits", wrong).status, 400u) << wrong;
}

TEST_F(ManagementApi, ConnectionsAreShownToTheirUserAndClosedByName) {
    Connection connection;
    connection.name = "127.0.0.1:5 -> 127.0.0.1:5672";
    connection.user = "guest", connection.virtual_host = "/";
    connection.client_properties = {{"connection_name", {std::string("mine")}}};
    rig.sessions.connections.push_back(connection);
    ASSERT_TRUE(rig.users->put_user("u", "x", {"management"}).ok());
    EXPECT_EQ(rig.get("/api/connections/").json[0]["user_provided_name"], "mine");
    rig.login = "u:x";
    EXPECT_EQ(rig.get("/api/connections").json, Json::array());
    const std::string path = "/api/connections/127.0.0.1%3A5%20-%3E%20127.0.0.1%3A5672";
    EXPECT_EQ(rig.del(path).status, 401u);
    rig.login = "guest:guest";
    auto request = rig.request(Verb::del, path);
    request.headers.emplace_back("x-reason", "because");
    EXPECT_EQ(rig.send(request).status, 204u);
    EXPECT_EQ(rig.sessions.closed, std::vector<std::string>{connection.name});
    EXPECT_EQ(rig.sessions.reasons, std::vector<std::string>{"because"});
    EXPECT_EQ(rig.del("/api/connections/none").status, 404u);
}

TEST_F(ManagementApi, MetricsOfSingleQueuesAreThereForEverybody) {
    declare("q");
    rig.put(R"(/api/queues/%2F/a%22b)");
    publish("q", "hello");
    Connection connection;
    connection.name = "127.0.0.1:5 -> 127.0.0.1:5672", connection.bytes_in = 7;
    rig.sessions.connections.push_back(connection);
    rig.login = "";
    const Answer answer = rig.get("/metrics/per-object");
    EXPECT_EQ(answer.status, 200u);
    for (const char* line :
         {"# TYPE rabbitmq_queue_messages_ready gauge\n",
          "rabbitmq_queue_messages_ready{vhost=\"/\",queue=\"q\"} 1\n",
          "rabbitmq_queue_messages_ready{vhost=\"/\",queue=\"a\\\"b\"} 0\n",
          "rabbitmq_queue_messages_published_total{vhost=\"/\",queue=\"q\"} 1\n",
          "rabbitmq_connection_incoming_bytes_total{connection=\"127.0.0.1:5 -> 127.0.0.1:5672\"} 7\n",
          "rabbitmq_identity_info{"})
        EXPECT_THAT(answer.text, HasSubstr(line));
    EXPECT_EQ(rig.post("/metrics/per-object").status, 405u);
}

TEST_F(ManagementApi, ThePageIsThereForEverybody) {
    rig.login = "";
    const Answer page = rig.get("/");
    EXPECT_EQ(page.status, 200u);
    EXPECT_THAT(page.text, HasSubstr("/console.js"));
    EXPECT_THAT(page.header("Content-Security-Policy"), HasSubstr("default-src 'self'"));
    for (const char* path : {"/console.js", "/console.css"})
        EXPECT_EQ(rig.get(path).status, 200u) << path;
}

}  // namespace
}  // namespace posthorn::management
