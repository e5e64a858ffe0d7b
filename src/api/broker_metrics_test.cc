#include "api/broker_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/broker.h"
#include "env/sim_files.h"
#include "runtime/worker.h"
#include "store/definitions.h"

namespace posthorn::api {
namespace {

using testing::HasSubstr;

class BrokerMetricsTest : public ::testing::Test {
  protected:
    BrokerMetricsTest() {
        broker::BrokerOptions options;
        options.stream_segment_bytes = options.queue_segment_bytes = 4u << 20;
        options.stream_tail_bytes = options.queue_tail_bytes = 8u << 20;
        options.max_message_bytes = 1u << 20;
        auto opened = broker::Broker::open(
            files, "data",
            std::make_unique<store::MemoryDefinitions>(store::MemoryDefinitions::make_shared_state()),
            options, worker, now);
        EXPECT_TRUE(opened.ok());
        engine = std::move(*opened);
        engine->begin_tick(now);
        topic = *engine->catalog().put_topic(
            {.name = "orders", .write_queues = 1, .permission = {}, .attributes = {}});
        model::Group wanted;
        wanted.name = "readers";
        group = *engine->catalog().put_group(wanted);
    }
    void publish_after(std::int64_t ms) {
        pass(ms);
        EXPECT_TRUE(engine->publish({.queue = topic->queues[0], .payload = as_bytes("x")}).ok());
    }
    void pass(std::int64_t ms) {
        engine->end_tick();
        now.wall_ms += ms, now.steady_ms += ms;
        engine->begin_tick(now);
    }
    std::string metrics(PulledTo pulled_to = {}) {
        Exposition out({"c", "b"});
        broker_metrics(*engine, std::move(pulled_to))(out);
        return out.take();
    }
    static std::string of_group(std::string_view name, std::string_view value) {
        return std::string(name) +
               "{cluster=\"c\",node_type=\"broker\",node_id=\"b\",consumer_group=\"readers\",topic="
               "\"orders\","
               "is_retry=\"false\",is_system=\"false\"} " +
               std::string(value) + "\n";
    }

    env::SimFiles files{1};
    runtime::InlineWorker worker;
    broker::Now now{1'700'000'000'000, 1'000};
    std::unique_ptr<broker::Broker> engine;
    const model::Topic* topic = nullptr;
    const model::Group* group = nullptr;
};

TEST_F(BrokerMetricsTest, TellHowFarAndHowLongAGroupIsBehind) {
    for (int n = 0; n < 4; ++n)
        publish_after(1'000);
    pass(500);
    EXPECT_TRUE(engine->commit_progress(group->id, topic->queues[0], model::QueueOffset(1)).ok());
    const std::string text = metrics([](model::GroupId, model::TopicId, std::uint32_t) { return 3u; });
    EXPECT_THAT(text, HasSubstr(of_group("rocketmq_consumer_lag_messages", "3")));
    EXPECT_THAT(text, HasSubstr(of_group("rocketmq_consumer_inflight_messages", "2")));
    EXPECT_THAT(text, HasSubstr(of_group("rocketmq_consumer_ready_messages", "1")));
    EXPECT_THAT(text, HasSubstr(of_group("rocketmq_consumer_lag_latency", "2500")));
    EXPECT_THAT(text, HasSubstr(of_group("rocketmq_consumer_queueing_latency", "500")));
}

TEST_F(BrokerMetricsTest, CallNothingInFlightOfAGroupThatDidNotPullYet) {
    publish_after(0);
    pass(100);
    EXPECT_TRUE(engine->commit_progress(group->id, topic->queues[0], model::QueueOffset(0)).ok());
    const std::string text = metrics();
    EXPECT_THAT(text, HasSubstr(of_group("rocketmq_consumer_inflight_messages", "0")));
    EXPECT_THAT(text, HasSubstr(of_group("rocketmq_consumer_ready_messages", "1")));
}

TEST_F(BrokerMetricsTest, ShowNoLatencyOfAGroupThatConsumedAll) {
    publish_after(0);
    pass(100);
    EXPECT_TRUE(engine->commit_progress(group->id, topic->queues[0], model::QueueOffset(1)).ok());
    EXPECT_THAT(metrics(), HasSubstr(of_group("rocketmq_consumer_lag_latency", "0")));
}

TEST_F(BrokerMetricsTest, TellTheAgeOfTheOldestMessage) {
    const std::string name =
        "rocketmq_storage_message_reserve_time{cluster=\"c\",node_type=\"broker\",node_id=\"b\","
        "storage_type=\"local\",storage_medium=\"disk\"} ";
    EXPECT_THAT(metrics(), HasSubstr(name + "0\n"));
    publish_after(0);
    publish_after(7'000);
    pass(0);
    EXPECT_THAT(metrics(), HasSubstr(name + "7000\n"));
}

}  // namespace
}  // namespace posthorn::api
