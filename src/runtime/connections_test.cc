#include "tcp_rig_for_test.h"

namespace posthorn::runtime {
namespace {

TEST_F(TcpTest, ConnectTellsOpenOrTheReasonWhyNot) {
    Script script, refused;
    Connections connections(loop, {});
    std::uint16_t free_port = 0;
    {
        const auto listener = listen(connections, script);
        free_port = listener->port();
    }
    auto connection = connections.connect("127.0.0.1", free_port, std::make_unique<Session>(refused));
    if (connection.ok()) {
        ASSERT_TRUE(until([&] { return refused.closed.has_value(); }));
        EXPECT_EQ(refused.closed, CloseReason::failed);
        EXPECT_THAT(refused.closed_text, HasSubstr("refused"));
    }
    EXPECT_EQ(refused.opened, 0);
    EXPECT_FALSE(connections.connect("not numeric", 1, std::make_unique<Session>(refused)).ok());
}

TEST_F(TcpTest, ConnectionsBeyondTheLimitAreRefusedAndCounted) {
    Script script;
    Connections connections(loop, {.max_connections = 2});
    const auto listener = listen(connections, script);
    Client a(listener->port()), b(listener->port()), c(listener->port());
    ASSERT_TRUE(until([&] { return connections.stats().refused == 1; }));
    EXPECT_EQ(connections.size(), 2u);
    ASSERT_TRUE(until([&] { return c.take().empty() && c.ended; }));
    a.hang_up();
    ASSERT_TRUE(until([&] { return connections.size() == 1; }));
    Client d(listener->port());
    ASSERT_TRUE(until([&] { return connections.size() == 2; }));
}

TEST_F(TcpTest, DestroyingTheConnectionsTellsEveryHandler) {
    Script script;
    {
        Connections connections(loop, {});
        const auto listener = listen(connections, script);
        Client client(listener->port());
        ASSERT_TRUE(until([&] { return script.opened == 1; }));
        script.connection->out().append("never sent");
    }
    EXPECT_EQ(script.closed, CloseReason::shutdown);
    EXPECT_EQ(script.destroyed, 1);
    loop.tick(milliseconds(0));
}

TEST_F(TcpTest, OneHandlerMayCloseAnotherConnectionInTheSameTick) {
    Script a, b;
    Connections connections(loop, {});
    const auto listener_a = listen(connections, a);
    const auto listener_b = listen(connections, b);
    Client client_a(listener_a->port()), client_b(listener_b->port());
    ASSERT_TRUE(until([&] { return a.opened && b.opened; }));
    const auto close_both = [&](Connection&, Bytes data) {
        for (Script* script : {&a, &b}) {
            script->connection->out().append("bye");
            script->connection->close();
        }
        return data.size();
    };
    a.on_data = b.on_data = close_both;
    client_a.send("x"), client_b.send("x");
    ASSERT_TRUE(until([&] { return a.destroyed && b.destroyed; }));
    EXPECT_EQ(connections.size(), 0u);
}

class TcpIdleTest : public testing::Test {
  protected:
    env::SimClock clock;
    Loop loop{clock};
};

TEST_F(TcpIdleTest, OnlyTheSilentAreClosed) {
    int pairs[2][2];
    for (auto& pair : pairs)
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    Script silent, talking;
    Connections connections(loop, {.idle_timeout = milliseconds(1'000)});
    connections.adopt(pairs[0][0], std::make_unique<Session>(silent));
    connections.adopt(pairs[1][0], std::make_unique<Session>(talking));
    for (int i = 0; i < 12; ++i) {
        clock.advance_ms(100);
        ASSERT_EQ(::write(pairs[1][1], "x", 1), 1);
        loop.tick(milliseconds(0));
    }
    EXPECT_EQ(silent.closed, CloseReason::idle);
    EXPECT_FALSE(talking.closed.has_value());
    ::close(pairs[0][1]), ::close(pairs[1][1]);
}

TEST_F(TcpIdleTest, AConnectionsOwnIdleTimeReplacesTheCommonOne) {
    int pairs[2][2];
    for (auto& pair : pairs)
        ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    Script brief, forever;
    Connections connections(loop, {.idle_timeout = milliseconds(100'000)});
    connections.adopt(pairs[0][0], std::make_unique<Session>(brief))->set_idle_timeout(milliseconds(500));
    connections.adopt(pairs[1][0], std::make_unique<Session>(forever))->set_idle_timeout(milliseconds(0));
    for (int i = 0; i < 10; ++i)
        clock.advance_ms(100), loop.tick(milliseconds(0));
    EXPECT_EQ(brief.closed, CloseReason::idle);
    clock.advance_ms(10'000'000);
    loop.tick(milliseconds(0));
    EXPECT_FALSE(forever.closed.has_value());
    ::close(pairs[0][1]), ::close(pairs[1][1]);
}

}  // namespace
}  // namespace posthorn::runtime
