#include "tcp_rig_for_test.h"

namespace posthorn::runtime {
namespace {

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

}  // namespace
}  // namespace posthorn::runtime
