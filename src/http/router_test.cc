#include "http/router.h"

#include <gtest/gtest.h>

namespace posthorn::http {
namespace {

Router two_routes() {
    Router router;
    router.add(Verb::get, "/healthz", [](const Request&) {
        Response response;
        response.body = "well";
        return response;
    });
    router.add(Verb::get, "/v1/topics/{topic}/queues/{queue}", [](const Request& request) {
        Response response;
        response.body = std::string(request.parameter("topic")) + "#" +
                        std::string(request.parameter("queue")) + "?" + request.query("limit", "none");
        return response;
    });
    router.add(Verb::put, "/healthz", [](const Request&) { return Response(); });
    return router;
}

Request request(Verb verb, std::string target) {
    Request made;
    made.verb = verb;
    made.target = std::move(target);
    return made;
}

TEST(Router, FindsByPathWhateverTheQuery) {
    EXPECT_EQ(two_routes().route(request(Verb::get, "/healthz?verbose=1")).body, "well");
}

TEST(Router, ParametersAreDecodedAfterThePathWasSplit) {
    const auto response =
        two_routes().route(request(Verb::get, "/v1/topics/%25RETRY%25a%2Fb/queues/3?x=1&limit=a+b%21"));
    EXPECT_EQ(response.body, "%RETRY%a/b#3?a b!");
}

TEST(Router, UnknownPathsAre404WithAReason) {
    for (const char* path : {"/", "/health", "/healthz/", "/v1/topics/a/queues", "/v1/topics//queues/3",
                             "/v1/topics/a/queues/"}) {
        const auto response = two_routes().route(request(Verb::get, path));
        EXPECT_EQ(response.status, 404u) << path;
        EXPECT_NE(response.body.find("\"error\":\"not_found\""), std::string::npos);
    }
}

TEST(Router, AnotherVerbIs405AndNamesTheVerbsThereAre) {
    const auto response = two_routes().route(request(Verb::del, "/healthz"));
    EXPECT_EQ(response.status, 405u);
    ASSERT_EQ(response.headers.size(), 1u);
    EXPECT_EQ(response.headers[0].second, "GET, HEAD, PUT");
}

TEST(Router, HeadIsAnsweredByGet) {
    EXPECT_EQ(two_routes().route(request(Verb::head, "/healthz")).status, 200u);
}

TEST(Router, ATargetThatIsNoPathIsABadRequest) {
    EXPECT_EQ(two_routes().route(request(Verb::get, "http://elsewhere/")).status, 400u);
    EXPECT_EQ(two_routes().route(request(Verb::get, "")).status, 400u);
}

TEST(Router, ABrokenEscapeInAPathIsABadRequest) {
    for (const char* path : {"/healthz%", "/healthz%2", "/%zz", "/v1/topics/%g1/queues/1"})
        EXPECT_EQ(two_routes().route(request(Verb::get, path)).status, 400u) << path;
}

TEST(Router, WhatIsMountedGetsEverythingBelowThatNoRouteTakes) {
    Router router = two_routes();
    router.mount("/v1", [](Request request, const Reply& reply) {
        Response response;
        response.body = "mounted " + request.target;
        reply(response);
    });
    EXPECT_EQ(router.route(request(Verb::get, "/v1")).body, "mounted /v1");
    EXPECT_EQ(router.route(request(Verb::post, "/v1/any/thing?x")).body, "mounted /v1/any/thing?x");
    EXPECT_EQ(router.route(request(Verb::get, "/v1/topics/a/queues/3")).body, "a#3?none");
    EXPECT_EQ(router.route(request(Verb::get, "/v10")).status, 404u);
}

TEST(Router, AHandlerMayAnswerLater) {
    Router router;
    Reply later;
    router.mount("/late", [&later](Request, Reply reply) { later = std::move(reply); });
    std::string body;
    router.route(request(Verb::get, "/late"), [&body](Response response) { body = response.body; });
    EXPECT_EQ(body, "");
    Response response;
    response.body = "at last";
    later(response);
    EXPECT_EQ(body, "at last");
}

TEST(Message, BadEscapesStayAsTheyAre) {
    EXPECT_EQ(decode("a%zz%4"), "a%zz%4");
    EXPECT_EQ(decode("100%25"), "100%");
}

TEST(Message, JsonStringsEscapeWhatTheyMust) {
    EXPECT_EQ(json_quoted("a\"b\\\n\x01"), "\"a\\\"b\\\\\\n\\u0001\"");
}

}  // namespace
}  // namespace posthorn::http
