#include "parked_calls.h"

#include "rig_for_test.h"
#include "wire/remoting/properties.h"

namespace posthorn::gateway::remoting {
namespace {

broker::BrokerOptions little_memory() {
    broker::BrokerOptions options = Rig::small_engine();
    options.stream_segment_bytes = options.queue_segment_bytes = 1u << 20;
    options.stream_tail_bytes = options.queue_tail_bytes = 1u << 18;
    options.cold_bytes = 1u << 20;
    return options;
}

/// A topic whose first messages are only on the disk, which never answers at once.
class ParkedCallsTest : public testing::Test {
  protected:
    explicit ParkedCallsTest(RemotingOptions options = {}) : rig_(std::move(options), little_memory()) {
        for (int n = 0; n < 400; ++n) {
            client_.send("orders", std::string(8'000, static_cast<char>('a' + n % 26)));
            rig_.tick();
            const Seen reply = client_.one();
            EXPECT_EQ(reply.code, 0) << reply.remark;
            if (n == 0) first_ = wire::parse_offset_message_id(reply.fields.at("msgId"))->physical_offset;
            if (n == 50) fiftieth_ms_ = rig_.clock.wall_ms();
        }
        rig_.files.faults().not_now = 1;
    }

    void view() { client_.ask(RequestCode::view_message_by_id, {{"offset", std::to_string(first_)}}); }
    /// Ticks until the client has been answered.
    Seen answer() {
        std::vector<Seen> seen;
        for (int n = 0; n < 20 && seen.empty(); ++n) {
            rig_.tick();
            seen = client_.take();
        }
        EXPECT_EQ(seen.size(), 1u);
        return seen.empty() ? Seen{} : seen.front();
    }

    Rig rig_;
    TestClient client_{*rig_.gateway};
    std::int64_t first_ = 0, fiftieth_ms_ = 0;
};

TEST_F(ParkedCallsTest, AColdMessageIsViewedWhenTheDiskHasBroughtIt) {
    view();
    EXPECT_TRUE(client_.take().empty());
    EXPECT_EQ(rig_.gateway->parked.size(), 1u);
    const Seen seen = answer();
    EXPECT_EQ(seen.code, 0) << seen.remark;
    EXPECT_EQ(as_text(wire::decode_stored(as_bytes(seen.body))->body), std::string(8'000, 'a'));
    EXPECT_EQ(rig_.gateway->parked.size(), 0u);
}

TEST_F(ParkedCallsTest, AColdMessageIsSentBackWhenTheDiskHasBroughtIt) {
    client_.ask(RequestCode::consumer_send_msg_back,
                {{"offset", std::to_string(first_)}, {"group", "readers"}, {"delayLevel", "1"}});
    EXPECT_TRUE(client_.take().empty());
    const Seen seen = answer();
    EXPECT_EQ(seen.code, 0) << seen.remark;
    EXPECT_EQ(rig_.gateway->counters.sent_back, 1u);
    rig_.tick(1'100);
    client_.pull("%RETRY%readers", 0);
    EXPECT_EQ(client_.one().code, 0);
}

TEST_F(ParkedCallsTest, OffsetsOfALongTimeAgoAreFoundWithoutStoppingTheTick) {
    client_.ask(RequestCode::search_offset_by_timestamp,
                {{"topic", "orders"}, {"queueId", "0"}, {"timestamp", std::to_string(fiftieth_ms_)}});
    EXPECT_TRUE(client_.take().empty());
    EXPECT_EQ(answer().fields.at("offset"), "51");
}

TEST_F(ParkedCallsTest, OthersAreServedMeanwhile) {
    view();
    client_.send("orders", "meanwhile");
    rig_.broker->end_tick();
    rig_.gateway->after_tick();
    EXPECT_EQ(client_.one().fields.at("queueOffset"), "400");
    rig_.broker->begin_tick(rig_.now());
    EXPECT_EQ(answer().code, 0);
}

TEST_F(ParkedCallsTest, AClosedConnectionTakesItsCallsAlong) {
    view();
    view();
    TestClient other(*rig_.gateway);
    other.ask(RequestCode::view_message_by_id, {{"offset", std::to_string(first_)}});
    client_.session.reset();
    EXPECT_EQ(rig_.gateway->parked.size(), 1u);
    for (int n = 0; n < 20 && rig_.gateway->parked.size() > 0; ++n)
        rig_.tick();
    EXPECT_EQ(other.one().code, 0);
}

TEST_F(ParkedCallsTest, ManyAreServedInTurn) {
    for (int n = 0; n < 200; ++n)
        view();
    for (int n = 0; n < 100 && rig_.gateway->parked.size() > 0; ++n)
        rig_.tick();
    const auto seen = client_.take();
    EXPECT_EQ(seen.size(), 200u);
    for (const Seen& one : seen)
        EXPECT_EQ(one.code, 0) << one.remark;
}

TEST_F(ParkedCallsTest, ACallThatWouldBeTooMuchToKeepIsToldToComeAgain) {
    client_.ask(RequestCode::view_message_by_id, {{"offset", std::to_string(first_)}},
                std::string(64 * 1024, 'x'));
    const Seen seen = client_.one();
    EXPECT_EQ(seen.code, static_cast<int>(ResponseCode::system_busy));
    EXPECT_EQ(rig_.gateway->counters.busy_refusals, 1u);
}

class FewParkedCallsTest : public ParkedCallsTest {
  protected:
    static RemotingOptions few() {
        RemotingOptions options;
        options.parked_calls_max = 2;
        return options;
    }
    FewParkedCallsTest() : ParkedCallsTest(few()) {}
};

TEST_F(FewParkedCallsTest, OneTooManyIsToldToComeAgain) {
    for (int n = 0; n < 3; ++n)
        view();
    EXPECT_EQ(client_.one().code, static_cast<int>(ResponseCode::system_busy));
    EXPECT_EQ(rig_.gateway->parked.size(), 2u);
}

}  // namespace
}  // namespace posthorn::gateway::remoting
