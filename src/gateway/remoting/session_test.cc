// What a session does with any request: framing, limits, its end.
#include "session.h"
#include "base/log.h"
#include "rig_for_test.h"

namespace posthorn::gateway::remoting {
namespace {

TEST_F(SessionTest, SpeaksTheBinaryHeaderToWhoDoes) {
    client.encoding = wire::Encoding::binary;
    client.send("orders", "hello");
    rig.tick();
    EXPECT_EQ(client.one().code, 0);
}

TEST_F(SessionTest, TakesAFrameInAnyPieces) {
    Buffer frame;
    auto writer =
        wire::FrameWriter::request(frame, wire::Encoding::json, RequestCode::get_routeinfo_by_topic, 7);
    writer.field("topic", "TBW102");
    ASSERT_TRUE(writer.finish().ok());
    for (std::size_t size = 0; size < frame.size(); ++size)
        EXPECT_EQ(client.session->on_data(frame.view().first(size)), 0u);
    EXPECT_EQ(client.session->on_data(frame.view()), frame.size());
    EXPECT_NE(client.one().body.find("127.0.0.1:10911"), std::string::npos);
}

TEST_F(SessionTest, DoesNotAnswerAOnewayRequest) {
    client.ask(RequestCode::get_routeinfo_by_topic, {{"topic", "TBW102"}}, {}, true);
    EXPECT_TRUE(client.take().empty());
}

TEST_F(SessionTest, NamesARequestItDoesNotServe) {
    client.ask(RequestCode::pop_message, {});
    const Seen reply = client.one();
    EXPECT_EQ(reply.code, static_cast<int>(ResponseCode::request_code_not_supported));
    EXPECT_NE(reply.remark.find("POP_MESSAGE"), std::string::npos);
}

TEST_F(SessionTest, ClosesOnBytesThatAreNoFrame) {
    client.session->on_data(as_bytes("GET / HTTP/1.1\r\n\r\n"));
    EXPECT_TRUE(client.is_closed);
    EXPECT_EQ(rig.gateway->counters.malformed_frames, 1u);
}

TEST_F(SessionTest, LogsOneLineASecondOfBytesThatAreNoFrame) {
    std::vector<std::string> lines;
    set_log_sink([&](LogLevel, std::string_view, std::string_view line) {
        if (line.starts_with("closing")) lines.emplace_back(line);
    });
    const auto nonsense = [&] {
        TestClient stranger(*rig.gateway);
        stranger.session->on_data(as_bytes("GET / HTTP/1.1\r\n\r\n"));
        EXPECT_TRUE(stranger.is_closed);
    };
    for (int n = 0; n < 100; ++n)
        nonsense();
    EXPECT_EQ(lines.size(), 1u);
    rig.tick(1'000);
    nonsense();
    set_log_sink({});
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_NE(lines.back().find("99 more"), std::string::npos) << lines.back();
    EXPECT_EQ(rig.gateway->counters.malformed_frames, 101u);
}

TEST_F(SessionTest, TakesNothingFromAClientThatDoesNotRead) {
    client.is_congested = true;
    Buffer frame;
    auto writer =
        wire::FrameWriter::request(frame, wire::Encoding::json, RequestCode::get_routeinfo_by_topic, 7);
    writer.field("topic", "TBW102");
    ASSERT_TRUE(writer.finish().ok());
    EXPECT_EQ(client.session->on_data(frame.view()), 0u);
    client.is_congested = false;
    EXPECT_EQ(client.session->on_data(frame.view()), frame.size());
    EXPECT_EQ(client.one().code, 0);
}

TEST(SessionLimits, SayBusyWhenTooManyPullsOrSendsWait) {
    RemotingOptions options;
    options.held_pulls_per_session_max = 2;
    options.pending_sends_max = 2;
    Rig rig(options);
    TestClient client(*rig.gateway);
    for (int i = 0; i < 2; ++i)
        client.send("orders", "x");
    EXPECT_TRUE(client.take().empty());
    client.send("orders", "x");
    EXPECT_EQ(client.one().code, static_cast<int>(ResponseCode::system_busy));
    rig.tick();
    client.take();
    for (int i = 0; i < 2; ++i)
        client.pull("orders", 2, "*", 15'000);
    EXPECT_TRUE(client.take().empty());
    client.pull("orders", 2, "*", 15'000);
    EXPECT_EQ(client.one().code, static_cast<int>(ResponseCode::system_busy));
    EXPECT_EQ(rig.gateway->counters.busy_refusals, 2u);
}

TEST_F(SessionTest, DropsItsHeldPullsWhenItGoes) {
    client.send("orders", "x");
    rig.tick();
    client.pull("orders", 1, "*", 15'000);
    EXPECT_EQ(rig.gateway->pulls.size(), 1u);
    client.send("orders", "y");
    client.session.reset();
    EXPECT_EQ(rig.gateway->pulls.size(), 0u);
    rig.tick();
    EXPECT_EQ(rig.gateway->sends.size(), 0u);
}

}  // namespace
}  // namespace posthorn::gateway::remoting
