#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/health.h"
#include "api/metrics.h"
#include "api/process_metrics.h"
#include "api/rocketmq_labels.h"

namespace posthorn::api {
namespace {

using testing::HasSubstr;
using testing::Not;

const Node node{"DefaultCluster", "a\"b"};

std::string get(const http::Router& router, std::string target) {
    http::Request request;
    request.target = std::move(target);
    return router.route(request).body;
}

TEST(Exposition, FamiliesNamedAsTheOriginalsCarryItsNodeLabels) {
    Exposition out(node);
    out.family("rocketmq_messages_in_total", MetricKind::counter, "Messages in");
    out.sample({{"topic", "t"}}, 3);
    out.gauge("posthorn_x", "Ours", 0.5);
    EXPECT_EQ(out.take(),
              "# HELP rocketmq_messages_in_total Messages in\n# TYPE rocketmq_messages_in_total counter\n"
              "rocketmq_messages_in_total{cluster=\"DefaultCluster\",node_type=\"broker\",node_id=\"a\\\"b\","
              "topic=\"t\"} 3\n"
              "# HELP posthorn_x Ours\n# TYPE posthorn_x gauge\nposthorn_x 0.5\n");
}

TEST(Exposition, HistogramsAddUp) {
    Exposition out(node);
    out.family("posthorn_h", MetricKind::histogram, "h");
    const double bounds[] = {1, 10};
    const std::uint64_t counts[] = {2, 3, 4};
    out.histogram({{"a", "b"}}, bounds, counts, 99.5);
    EXPECT_THAT(out.take(), HasSubstr("posthorn_h_bucket{a=\"b\",le=\"1\"} 2\n"
                                      "posthorn_h_bucket{a=\"b\",le=\"10\"} 5\n"
                                      "posthorn_h_bucket{a=\"b\",le=\"+Inf\"} 9\n"
                                      "posthorn_h_sum{a=\"b\"} 99.5\n"
                                      "posthorn_h_count{a=\"b\"} 9\n"));
}

TEST(Exposition, AFamilyIsBounded) {
    Exposition out(node);
    out.family("posthorn_many", MetricKind::gauge, "many");
    for (std::size_t i = 0; i < Exposition::series_max + 7; ++i)
        out.sample({{"topic", std::to_string(i)}}, 1);
    EXPECT_EQ(out.left_out(), 7u);
}

TEST(Metrics, EverySourceIsAskedAtEveryScrape) {
    http::Router router;
    int asked = 0;
    add_metrics(router, node,
                {[&](Exposition& out) { out.gauge("posthorn_asked", "x", ++asked); },
                 process_metrics(1'700'000'000'000)});
    EXPECT_THAT(get(router, "/metrics"), HasSubstr("posthorn_asked 1\n"));
    const auto second = get(router, "/metrics");
    EXPECT_THAT(second, HasSubstr("posthorn_asked 2\n"));
    EXPECT_THAT(second, HasSubstr("process_start_time_seconds 1700000000\n"));
    EXPECT_THAT(second, Not(HasSubstr("process_resident_memory_bytes 0\n")));
}

TEST(Health, SaysWhyWritesAreRefused) {
    http::Router router;
    Health health{"0.1.0", 1500, {}};
    add_health(router, [&] { return health; });
    EXPECT_THAT(get(router, "/healthz"), HasSubstr("\"status\":\"OK\""));
    EXPECT_THAT(get(router, "/healthz"), HasSubstr("\"uptime_seconds\":1.500"));
    health.writes_refused = "the disk is \"full\"";
    EXPECT_THAT(get(router, "/healthz"),
                testing::AllOf(HasSubstr("\"status\":\"DEGRADED\""), HasSubstr("\"writes\":\"refused\""),
                               HasSubstr("\"reason\":\"the disk is \\\"full\\\"\"")));
}

TEST(RocketmqLabels, KnowTheOriginalsOwnTopics) {
    EXPECT_TRUE(is_system_topic("TBW102"));
    EXPECT_TRUE(is_system_topic("rmq_sys_wheel_timer"));
    EXPECT_FALSE(is_system_topic("orders"));
    EXPECT_TRUE(is_retry_topic("%RETRY%g"));
    EXPECT_TRUE(is_system_group("CID_RMQ_SYS_TRANS"));
    EXPECT_FALSE(is_system_group("g"));
}

}  // namespace
}  // namespace posthorn::api
