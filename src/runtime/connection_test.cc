#include "tcp_rig_for_test.h"

namespace posthorn::runtime {
namespace {

TEST_F(TcpTest, WhatIsSentComesBack) {
    Script script;
    script.on_data = echo;
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    Client client(listener->port());
    client.send("hello");
    std::string reply;
    ASSERT_TRUE(until([&] { return (reply += client.take()).size() == 5; }));
    EXPECT_EQ(reply, "hello");
    EXPECT_EQ(script.opened, 1);
    EXPECT_THAT(script.connection->peer(), testing::StartsWith("127.0.0.1:"));
    EXPECT_EQ(connections.stats().bytes_in, 5u);
    EXPECT_EQ(connections.stats().bytes_out, 5u);
}

TEST_F(TcpTest, UnconsumedInputIsOfferedAgainWithWhatFollows) {
    Script script;
    std::vector<std::string> offers;
    script.on_data = [&](Connection&, Bytes data) {
        offers.emplace_back(as_text(data));
        return data.size() / 4 * 4;
    };
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    Client client(listener->port());
    client.send("abcdef");
    ASSERT_TRUE(until([&] { return !offers.empty(); }));
    client.send("gh");
    ASSERT_TRUE(until([&] { return script.received.size() == 8; }));
    EXPECT_THAT(offers, testing::ElementsAre("abcdef", "efgh"));
}

TEST_F(TcpTest, ALargeFrameArrivesWhole) {
    std::string frame(5'000'000, '?');
    for (std::size_t i = 0; i < frame.size(); ++i)
        frame[i] = char('a' + i % 23);
    Script script, sender;
    script.on_data = [&](Connection&, Bytes data) { return data.size() < frame.size() ? 0 : frame.size(); };
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    sender.on_open = [&](Connection& connection) { connection.out().append(frame); };
    ASSERT_TRUE(connections.connect("127.0.0.1", listener->port(), std::make_unique<Session>(sender)).ok());
    ASSERT_TRUE(until([&] { return script.received.size() == frame.size(); }));
    EXPECT_EQ(script.received, frame);
}

TEST_F(TcpTest, AFrameBeyondTheInputLimitClosesTheConnection) {
    Script script;
    script.on_data = [](Connection&, Bytes) { return std::size_t{0}; };
    Connections connections(loop, {.input_limit = 100'000});
    const auto listener = listen(connections, script);
    Client client(listener->port());
    client.send(std::string(100'001, 'x'));
    ASSERT_TRUE(until([&] { return script.closed.has_value(); }));
    EXPECT_EQ(script.closed, CloseReason::input_overflow);
    EXPECT_EQ(connections.stats().closed[static_cast<std::size_t>(CloseReason::input_overflow)], 1u);
}

TEST_F(TcpTest, APausedConnectionIsOfferedItsRestOnResume) {
    Script script;
    script.on_data = [](Connection& connection, Bytes) {
        connection.pause_reading();
        return std::size_t{1};
    };
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    Client client(listener->port());
    client.send("abc");
    ASSERT_TRUE(until([&] { return script.received == "a"; }));
    client.send("d");
    for (int i = 0; i < 5; ++i)
        loop.tick(milliseconds(0));
    EXPECT_EQ(script.received, "a");
    script.connection->resume_reading();
    ASSERT_TRUE(until([&] { return script.received == "ab"; }));
    script.on_data = [](Connection&, Bytes data) { return data.size(); };
    script.connection->resume_reading();
    ASSERT_TRUE(until([&] { return script.received == "abcd"; }));
}

TEST_F(TcpTest, AFloodIsReadInSharesSoThatOthersGetTheirTurn) {
    Script flood, other;
    Connections connections(loop, {.input_share = 1'000});
    const auto flooded = listen(connections, flood);
    const auto listener = listen(connections, other);
    Client loud(flooded->port()), quiet(listener->port());
    ASSERT_TRUE(until([&] { return flood.opened && other.opened; }));
    loud.send(std::string(50'000, 'x'));
    quiet.send("y");
    ASSERT_TRUE(until([&] { return other.received == "y"; }));
    EXPECT_LT(flood.received.size(), 50'000u);
    ASSERT_TRUE(until([&] { return flood.received.size() == 50'000; }));
}

TEST_F(TcpTest, PeerClosingEndsHandlerAndConnection) {
    Script script;
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    Client client(listener->port());
    ASSERT_TRUE(until([&] { return script.opened == 1; }));
    client.hang_up();
    ASSERT_TRUE(until([&] { return script.destroyed == 1; }));
    EXPECT_EQ(script.closed, CloseReason::peer_closed);
    EXPECT_EQ(connections.size(), 0u);
}

TEST_F(TcpTest, AResetIsReportedWithItsReasonEvenWhileReadingIsPaused) {
    for (const bool paused : {false, true}) {
        Script script;
        script.on_open = [&](Connection& connection) {
            if (paused) connection.pause_reading();
        };
        Connections connections(loop, {});
        const auto listener = listen(connections, script);
        Client client(listener->port());
        ASSERT_TRUE(until([&] { return script.opened == 1; }));
        client.reset();
        ASSERT_TRUE(until([&] { return script.closed.has_value(); }));
        EXPECT_EQ(script.closed, CloseReason::failed);
        EXPECT_THAT(script.closed_text, HasSubstr("reset"));
    }
}

TEST_F(TcpTest, ClosingFromWithinOnDataIsSafe) {
    Script script;
    script.on_data = [](Connection& connection, Bytes data) {
        connection.out().append("lost");
        connection.close();
        connection.close();
        connection.out().append("dropped");
        return data.size();
    };
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    Client client(listener->port());
    client.send("x");
    ASSERT_TRUE(until([&] { return script.destroyed == 1; }));
    EXPECT_EQ(script.closed, CloseReason::handler);
    ASSERT_TRUE(until([&] { return client.take().empty() && client.ended; }));
}

}  // namespace
}  // namespace posthorn::runtime
