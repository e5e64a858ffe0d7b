#include "runtime/tcp.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <optional>
#include <string>

namespace posthorn::runtime {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

/// What a test wants a session to do, and what it saw.
struct Script {
    std::function<std::size_t(Connection&, Bytes)> on_data = [](Connection&, Bytes data) {
        return data.size();
    };
    std::function<void(Connection&)> on_open = [](Connection&) {};
    std::function<void(Connection&)> on_writable = [](Connection&) {};
    std::string received;
    int opened = 0;
    int writable = 0;
    int destroyed = 0;
    std::optional<CloseReason> closed;
    std::string closed_text;
    Connection* connection = nullptr;
};

class Session : public ConnectionHandler {
  public:
    explicit Session(Script& script) : script_(script) {}
    ~Session() override { ++script_.destroyed; }
    void on_open(Connection& connection) override {
        ++script_.opened;
        script_.connection = &connection;
        script_.on_open(connection);
    }
    std::size_t on_data(Connection& connection, Bytes data) override {
        const std::size_t consumed = script_.on_data(connection, data);
        script_.received += as_text(data.first(consumed));
        return consumed;
    }
    void on_writable(Connection& connection) override {
        ++script_.writable;
        script_.on_writable(connection);
    }
    void on_closed(Connection&, CloseReason reason, std::string_view text) override {
        script_.closed = reason;
        script_.closed_text = text;
        script_.connection = nullptr;
    }

  private:
    Script& script_;
};

/// A plain blocking client, so that the other side is not our own code.
class Client {
  public:
    explicit Client(std::uint16_t port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        if (receive_buffer) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
        sockaddr_in to{};
        to.sin_family = AF_INET;
        to.sin_port = htons(port);
        to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to), 0);
    }
    Client(Client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Client& operator=(Client&&) = delete;
    ~Client() { hang_up(); }

    void send(std::string_view text) {
        while (!text.empty()) {
            const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
            ASSERT_GT(n, 0);
            text.remove_prefix(static_cast<std::size_t>(n));
        }
    }
    /// What is there now; "" when nothing is; `ended` tells the end of the stream.
    std::string take() {
        std::string text(1 << 16, '?');
        const ssize_t n = ::recv(fd_, text.data(), text.size(), MSG_DONTWAIT);
        ended |= n == 0;
        text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
        return text;
    }
    void reset() {
        const linger now{1, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        hang_up();
    }
    void hang_up() {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    }
    bool ended = false;

  private:
    int fd_;
};

class TcpTest : public testing::Test {
  protected:
    std::unique_ptr<Listener> listen(Connections& connections, Script& script) {
        auto listener =
            Listener::open(connections, "127.0.0.1", 0, [&] { return std::make_unique<Session>(script); });
        POSTHORN_CHECK(listener.ok(), "the test's listener does not open");
        return std::move(*listener);
    }

    /// Turns the loop until the condition holds; a condition that never does is a failure after many turns.
    template <class Condition>
    [[nodiscard]] bool until(Condition condition) {
        const std::int64_t give_up = clock.steady_ns() + std::int64_t{20'000'000'000};
        while (!condition()) {
            if (clock.steady_ns() > give_up) return false;
            loop.tick(milliseconds(5));
        }
        return true;
    }

    env::SystemClock clock;
    Loop loop{clock};
};

std::size_t echo(Connection& connection, Bytes data) {
    connection.out().append(data);
    return data.size();
}

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

TEST_F(TcpTest, ATakenPortIsNamed) {
    Script script;
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    auto second = Listener::open(connections, "127.0.0.1", listener->port(), nullptr);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, Errc::busy);
    EXPECT_THAT(second.error().message, HasSubstr(std::to_string(listener->port())));
    EXPECT_EQ(Listener::open(connections, "no address", 1, nullptr).error().code, Errc::invalid);
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

TEST_F(TcpTest, CloseWhenSentDeliversTheLastWords) {
    const std::string words(3'000'000, 'w');
    Script script;
    script.on_data = [&](Connection& connection, Bytes data) {
        connection.out().append(words);
        connection.close_when_sent();
        return data.size();
    };
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    Client client(listener->port());
    client.send("x");
    std::size_t got = 0;
    ASSERT_TRUE(until([&] {
        got += client.take().size();
        return client.ended;
    }));
    EXPECT_EQ(got, words.size());
    ASSERT_TRUE(until([&] { return script.closed == CloseReason::handler; }));
}

TEST_F(TcpTest, OneSendPerConnectionAndTick) {
    Script script;
    script.on_data = [](Connection& connection, Bytes data) {
        for (std::size_t i = 0; i < data.size(); ++i)
            connection.out().append("reply ");
        return data.size();
    };
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    Client client(listener->port());
    client.send(std::string(64, 'x'));
    std::size_t got = 0;
    ASSERT_TRUE(until([&] { return (got += client.take().size()) == 64 * 6; }));
    EXPECT_EQ(connections.stats().sends, connections.stats().receives);
}

TEST_F(TcpTest, OutputOfAHookOfTheSameTickIsSentInIt) {
    Script script;
    bool asked = false;
    script.on_data = [&](Connection&, Bytes data) {
        asked = true;
        return data.size();
    };
    Connections connections(loop, {});
    const TickHook engine = loop.on_tick_end(TickPhase::apply, [&] {
        if (std::exchange(asked, false)) script.connection->out().append("true now");
    });
    const auto listener = listen(connections, script);
    Client client(listener->port());
    client.send("x");
    ASSERT_TRUE(until([&] { return !script.received.empty(); }));
    EXPECT_EQ(client.take(), "true now") << "no further tick was needed";
}

TEST_F(TcpTest, OutputMadeBetweenTicksDoesNotWaitForAnEvent) {
    Script script;
    Connections connections(loop, {.idle_timeout = milliseconds(0)});
    const auto listener = listen(connections, script);
    Client client(listener->port());
    ASSERT_TRUE(until([&] { return script.opened == 1; }));
    script.connection->out().append("news");
    loop.tick(std::chrono::hours(1));
    EXPECT_EQ(client.take(), "news");
    script.connection->close();
    loop.tick(std::chrono::hours(1));
    EXPECT_EQ(script.destroyed, 1);
}

TEST_F(TcpTest, BorrowedBytesKeepTheirPlaceEvenWhenTheSocketTakesOnlyPart) {
    std::string body(700'000, '?');
    for (std::size_t i = 0; i < body.size(); ++i)
        body[i] = char('A' + i % 26);
    std::string expected, block;
    Script script;
    script.on_data = [&](Connection& connection, Bytes data) {
        block = body;
        for (int i = 0; i < 20; ++i) {
            const std::string head = "<" + std::to_string(i) + ">";
            connection.out().append(head);
            connection.out_borrowed(as_bytes(block));
            expected += head + body;
        }
        connection.out().append("end");
        expected += "end";
        return data.size();
    };
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    Client client(listener->port());
    client.send("x");
    ASSERT_TRUE(until([&] { return !script.received.empty(); }));
    block.assign(block.size(), '!');  // the tick is over: the lender may do what it wants
    std::string got;
    ASSERT_TRUE(until([&] { return (got += client.take()).size() >= expected.size(); }));
    EXPECT_TRUE(got == expected);
}

TEST_F(TcpTest, ASlowReaderIsCongestedNotReadAndToldWhenItMayGoOn) {
    Script script;
    std::size_t produced = 0;
    const auto fill = [&](Connection& connection) {
        while (!connection.congested())
            connection.out().append(std::string(10'000, 'x')), produced += 10'000;
    };
    script.on_data = [&](Connection& connection, Bytes data) {
        fill(connection);
        return data.size();
    };
    int rounds = 0;
    script.on_writable = [&](Connection& connection) {
        if (++rounds < 50) fill(connection);
    };
    Connections connections(loop, {.output_high = 200'000, .output_low = 50'000});
    const auto listener = listen(connections, script);
    Client client(listener->port(), 65'536);
    client.send("x");
    std::size_t got = 0;
    // The socket is full when a whole tick brought no progress.
    std::uint64_t sent = 0;
    ASSERT_TRUE(until([&] {
        return script.connection && script.connection->congested() &&
               std::exchange(sent, connections.stats().bytes_out) == connections.stats().bytes_out &&
               sent > 0;
    }));
    const std::size_t before = script.received.size();
    client.send("not read while congested");
    for (int i = 0; i < 5; ++i)
        loop.tick(milliseconds(0));
    EXPECT_EQ(script.received.size(), before);
    EXPECT_LT(script.connection->unsent(), 250'000u);
    ASSERT_TRUE(until([&] { return (got += client.take().size()) == produced && rounds >= 50; }));
    ASSERT_TRUE(until([&] {
        got += client.take().size();
        return script.received.size() > before;
    }));
}

TEST_F(TcpTest, ASlowReaderIsReadAllTheSameWhereTheProtocolWantsIt) {
    Script script;
    script.on_data = [](Connection& connection, Bytes data) {
        if (!connection.congested()) connection.out().append(std::string(20'000'000, 'x'));
        return data.size();
    };
    Connections connections(loop,
                            {.output_high = 200'000, .output_low = 50'000, .read_while_congested = true});
    const auto listener = listen(connections, script);
    Client client(listener->port(), 65'536);
    client.send("x");
    ASSERT_TRUE(until([&] { return script.connection && script.connection->congested(); }));
    client.send("read");
    ASSERT_TRUE(until([&] { return script.received == "xread"; }));
    EXPECT_TRUE(script.connection->congested());
}

TEST_F(TcpTest, TheEndOfCongestionDoesNotResumeWhatTheHandlerPaused) {
    Script script;
    int offers = 0;
    script.on_data = [&](Connection& connection, Bytes data) {
        if (++offers == 1) connection.out().append(std::string(5'000, 'x'));
        connection.pause_reading();
        return data.size() - 1;
    };
    Connections connections(loop, {.output_high = 1'000, .output_low = 500});
    const auto listener = listen(connections, script);
    Client client(listener->port());
    client.send("xy");
    ASSERT_TRUE(until([&] { return script.writable == 1; }));
    for (int i = 0; i < 5; ++i)
        loop.tick(milliseconds(0));
    EXPECT_TRUE(script.connection->reading_paused());
    EXPECT_EQ(offers, 1);
}

TEST_F(TcpTest, WhoSawCongestionIsAlwaysToldOfItsEnd) {
    Script script;
    script.on_data = [&](Connection& connection, Bytes data) {
        connection.out().append(std::string(5'000, 'x'));
        EXPECT_TRUE(connection.congested());
        return data.size();
    };
    Connections connections(loop, {.output_high = 1'000, .output_low = 500});
    const auto listener = listen(connections, script);
    Client client(listener->port());
    client.send("x");
    ASSERT_TRUE(until([&] { return script.writable == 1; }));
    EXPECT_FALSE(script.connection->congested());
}

TEST_F(TcpTest, AClientThatNeverReadsIsClosedAtTheLimit) {
    Script script;
    script.on_data = [](Connection& connection, Bytes data) {
        connection.out().append(std::string(20'000'000, 'x'));
        return data.size();
    };
    Connections connections(loop, {.output_limit = 10'000'000});
    const auto listener = listen(connections, script);
    Client client(listener->port(), 4096);
    client.send("x");
    ASSERT_TRUE(until([&] { return script.closed.has_value(); }));
    EXPECT_EQ(script.closed, CloseReason::output_overflow);
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
