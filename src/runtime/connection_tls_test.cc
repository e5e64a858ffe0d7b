#include "tls_rig_for_test.h"

namespace posthorn::runtime {
namespace {

TEST_F(TlsTest, WhatIsSentComesBackInEitherVersion) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        Script script;
        script.on_data = echo;
        Connections connections(loop, {});
        const auto listener = listen(connections, script);
        TlsClient client(listener->port(), version);
        ASSERT_TRUE(until([&] { return client.shaken(); })) << client.why;
        client.send("hello");
        std::string reply;
        ASSERT_TRUE(until([&] { return (reply += client.take()).size() == 5; }));
        EXPECT_EQ(reply, "hello");
        ASSERT_EQ(script.opened, 1);
        ASSERT_NE(script.connection->tls(), nullptr);
        EXPECT_EQ(script.connection->tls()->protocol, version == TLS1_2_VERSION ? "TLSv1.2" : "TLSv1.3");
        EXPECT_FALSE(script.connection->tls()->peer.has_value());
        EXPECT_EQ(script.connection->bytes_sent(), 5u);
        EXPECT_EQ(connections.stats().handshakes, 1u);
        EXPECT_EQ(connections.handshakes(), 0u);
    }
}

TEST_F(TlsTest, AnOlderVersionIsRefused) {
    Script script;
    Connections connections(loop, {});
    const auto listener = listen(connections, script, {.oldest_version = TlsVersion::v1_3});
    TlsClient client(listener->port(), TLS1_2_VERSION);
    ASSERT_TRUE(until([&] { return client.shaken() || client.failed; }));
    EXPECT_TRUE(client.failed);
    EXPECT_EQ(script.opened, 0);
    EXPECT_EQ(script.closed, CloseReason::tls_failed);
}

TEST_F(TlsTest, LargeFramesAndBorrowedBytesArriveWholeAtASlowReader) {
    std::string body(700'001, '?'), frame(3'000'000, '?');
    for (std::size_t i = 0; i < body.size(); ++i)
        body[i] = char('A' + i % 26);
    for (std::size_t i = 0; i < frame.size(); ++i)
        frame[i] = char('a' + i % 23);
    std::string expected, block;
    Script script;
    script.on_data = [&](Connection& connection, Bytes data) -> std::size_t {
        if (data.size() < frame.size()) return 0;
        block = body;
        for (int i = 0; i < 12; ++i) {
            const std::string head = "<" + std::to_string(i) + ">";
            connection.out().append(head);
            connection.out_borrowed(as_bytes(block));
            expected += head + body;
        }
        return frame.size();
    };
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    TlsClient client(listener->port(), TLS1_3_VERSION, nullptr, 65'536);
    ASSERT_TRUE(until([&] { return client.shaken(); }));
    std::string_view rest = frame;
    ASSERT_TRUE(until([&] {
        rest.remove_prefix(client.send(rest));
        return rest.empty() && !expected.empty();
    }));
    EXPECT_TRUE(script.received == frame);
    loop.tick(milliseconds(0));
    block.assign(block.size(), '!');  // the tick is over: the lender may do what it wants
    std::string got;
    ASSERT_TRUE(until([&] { return (got += client.take()).size() >= expected.size() || client.failed; }));
    EXPECT_TRUE(got == expected) << client.why;
}

TEST_F(TlsTest, ASlowReaderIsCongestedAndToldWhenItMayGoOn) {
    Script script;
    std::size_t produced = 0;
    const auto fill = [&](Connection& connection) {
        while (!connection.congested())
            connection.out().append(std::string(10'000, 'x')), produced += 10'000;
    };
    script.on_open = [&](Connection& connection) { fill(connection); };
    int rounds = 0;
    script.on_writable = [&](Connection& connection) {
        if (++rounds < 30) fill(connection);
    };
    Connections connections(loop, {.output_high = 200'000, .output_low = 50'000});
    const auto listener = listen(connections, script);
    TlsClient client(listener->port(), TLS1_3_VERSION, nullptr, 65'536);
    ASSERT_TRUE(until([&] { return client.shaken(); }));
    for (int i = 0; i < 20; ++i)
        loop.tick(milliseconds(0));
    ASSERT_NE(script.connection, nullptr);
    EXPECT_TRUE(script.connection->congested());
    EXPECT_LT(script.connection->unsent(), 250'000u);
    std::size_t got = 0;
    ASSERT_TRUE(until([&] { return (got += client.take().size()) == produced && rounds >= 30; }));
}

TEST_F(TlsTest, APausedHandlerGetsWhatCameWithTheHandshakeLater) {
    Script script;
    script.on_open = [](Connection& connection) { connection.pause_reading(); };
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    TlsClient client(listener->port());
    ASSERT_TRUE(until([&] { return client.shaken(); }));
    client.send("early");  // leaves in the same tick as the handshake's last word
    ASSERT_TRUE(until([&] { return script.opened == 1; }));
    for (int i = 0; i < 5; ++i)
        loop.tick(milliseconds(0));
    EXPECT_EQ(script.received, "");
    script.connection->resume_reading();
    ASSERT_TRUE(until([&] { return script.received == "early"; }));
}

TEST_F(TlsTest, CloseWhenSentDeliversTheLastWordsAndSaysThatTheyAre) {
    const std::string words(3'000'000, 'w');
    Script script;
    script.on_data = [&](Connection& connection, Bytes data) {
        connection.out().append(words);
        connection.close_when_sent();
        return data.size();
    };
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    TlsClient client(listener->port());
    ASSERT_TRUE(until([&] { return client.shaken(); }));
    client.send("x");
    std::size_t got = 0;
    ASSERT_TRUE(until([&] {
        got += client.take().size();
        return client.ended || client.failed;
    }));
    EXPECT_TRUE(client.ended);
    EXPECT_EQ(got, words.size());
    ASSERT_TRUE(until([&] { return script.closed == CloseReason::handler; }));
}

TEST_F(TlsTest, APeerThatSaysItIsDoneIsAnsweredAndGoneEvenIfItsSocketStays) {
    Script script;
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    TlsClient client(listener->port());
    ASSERT_TRUE(until([&] { return client.shaken(); }));
    client.send("last");
    SSL_shutdown(client.ssl());
    ASSERT_TRUE(until([&] { return script.closed.has_value(); }));
    EXPECT_EQ(script.closed, CloseReason::peer_closed);
    EXPECT_EQ(script.received, "last");
    ASSERT_TRUE(until([&] { return client.take().empty() && client.ended; }));
}

TEST_F(TlsTest, APeerThatHangsUpIsGoneAsWithoutTls) {
    Script script;
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    TlsClient client(listener->port());
    ASSERT_TRUE(until([&] { return client.shaken() && script.opened == 1; }));
    client.hang_up();
    ASSERT_TRUE(until([&] { return script.destroyed == 1; }));
    EXPECT_EQ(script.closed, CloseReason::peer_closed);
    EXPECT_EQ(connections.size(), 0u);
}

// What a peer shows ---------------------------------------------------------------------------------------

TEST_F(TlsTest, AVerifiedPeerIsKnownByTheNamesInItsCertificate) {
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
        Script script;
        Connections connections(loop, {});
        const auto listener =
            listen(connections, script, {.verify_peer = true, .fail_if_no_peer_certificate = true});
        TlsClient client(listener->port(), version, &TestCertificates::get().client);
        ASSERT_TRUE(until([&] { return client.shaken() && script.opened == 1; })) << client.why;
        const TlsSession& session = *script.connection->tls();
        ASSERT_TRUE(session.peer.has_value());
        EXPECT_EQ(session.peer->subject, "CN=client one,O=Posthorn test");
        EXPECT_EQ(session.peer->common_name, "client one");
        EXPECT_EQ(session.peer->issuer, "CN=test CA,O=Posthorn test");
    }
}

TEST_F(TlsTest, ACertificateOfAnotherAuthorityIsRefusedWithItsReason) {
    Script script;
    Connections connections(loop, {});
    const auto listener = listen(connections, script, {.verify_peer = true});
    TlsClient client(listener->port(), TLS1_3_VERSION, &TestCertificates::get().strange_client);
    ASSERT_TRUE(until([&] {
        client.shaken(), client.take();
        return script.closed.has_value() && client.failed;
    }));
    EXPECT_EQ(script.opened, 0);
    EXPECT_EQ(script.closed, CloseReason::tls_failed);
    EXPECT_THAT(script.closed_text, HasSubstr("certificate verify failed"));
    EXPECT_THAT(client.why, HasSubstr("alert")) << "the peer is told";
    EXPECT_EQ(connections.stats().handshakes_failed, 1u);
}

TEST_F(TlsTest, WithoutACertificateOneComesInOnlyWhereNoneIsDemanded) {
    for (const bool demanded : {false, true}) {
        Script script;
        Connections connections(loop, {});
        const auto listener =
            listen(connections, script, {.verify_peer = true, .fail_if_no_peer_certificate = demanded});
        TlsClient client(listener->port());
        ASSERT_TRUE(until([&] {
            client.shaken(), client.take();
            return script.opened == 1 || script.closed.has_value();
        }));
        EXPECT_EQ(script.opened, demanded ? 0 : 1);
        if (demanded) {
            EXPECT_EQ(script.closed, CloseReason::tls_failed);
            continue;
        }
        EXPECT_TRUE(script.connection->tls()->peer_asked);
        EXPECT_FALSE(script.connection->tls()->peer.has_value());
    }
}

TEST_F(TlsTest, ANewCertificateIsForThoseWhoComeNext) {
    Script script;
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    TlsClient first(listener->port());
    ASSERT_TRUE(until([&] { return first.shaken(); }));
    const KeyPair renewed = *TestCertificates::get().authority.server({"renewed"});
    const TlsOptions options{.certificate_file = folder.write("new.pem", renewed.certificate),
                             .key_file = folder.write("new.key", renewed.key)};
    listener->set_tls(*TlsContext::load(options));
    TlsClient second(listener->port());
    ASSERT_TRUE(until([&] { return second.shaken(); }));
    const auto name = [](TlsClient& client) {
        return Certificate::of(*SSL_get0_peer_certificate(client.ssl())).common_name;
    };
    EXPECT_EQ(name(first), "localhost");
    EXPECT_EQ(name(second), "renewed");
    first.send("still here");
    ASSERT_TRUE(until([&] { return script.received == "still here"; }));
}

// Bad peers -----------------------------------------------------------------------------------------------

TEST_F(TlsTest, GarbageInsteadOfAHandshakeIsClosedAndCounted) {
    for (const std::string& garbage :
         {std::string("AMQP\0\0\x09\x01", 8), std::string("GET / HTTP/1.1\r\n\r\n"),
          std::string(70'000, '\xff'), std::string("\x16\x03\x01\xff\xff", 5) + std::string(300, '\0')}) {
        Script script;
        Connections connections(loop, {});
        const auto listener = listen(connections, script);
        Client client(listener->port());
        client.send(garbage);
        ASSERT_TRUE(until([&] { return script.closed.has_value(); }));
        EXPECT_EQ(script.closed, CloseReason::tls_failed);
        EXPECT_FALSE(script.closed_text.empty());
        EXPECT_EQ(script.opened, 0);
        EXPECT_EQ(connections.stats().handshakes_failed, 1u);
        EXPECT_EQ(connections.handshakes(), 0u);
        ASSERT_TRUE(until([&] { return client.take().empty() && client.ended; }));
    }
}

TEST_F(TlsTest, ARecordThatWasTamperedWithEndsTheConnection) {
    Script script;
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    TlsClient client(listener->port());
    ASSERT_TRUE(until([&] { return client.shaken() && script.opened == 1; }));
    const std::string record = std::string("\x17\x03\x03\x00\x20", 5) + std::string(32, 'x');
    ASSERT_EQ(::send(client.fd(), record.data(), record.size(), 0), 37);
    ASSERT_TRUE(until([&] { return script.closed.has_value(); }));
    EXPECT_EQ(script.closed, CloseReason::tls_failed);
    EXPECT_EQ(closed(connections, CloseReason::tls_failed), 1u);
    EXPECT_EQ(connections.stats().handshakes_failed, 0u);
    ASSERT_TRUE(until([&] { return client.take().empty() && client.failed; }));
    EXPECT_THAT(client.why, HasSubstr("alert"));
}

TEST_F(TlsTest, RenegotiationIsRefusedAndHarmsNobody) {
    Script script, other;
    other.on_data = echo;
    Connections connections(loop, {});
    const auto listener = listen(connections, script);
    const auto others = listen(connections, other);
    TlsClient client(listener->port(), TLS1_2_VERSION), quiet(others->port());
    ASSERT_TRUE(until([&] { return client.shaken(); }));
    ASSERT_TRUE(until([&] { return quiet.shaken(); }));
    for (int i = 0; i < 200 && !client.failed; ++i) {
        SSL_renegotiate(client.ssl());
        client.shaken();
        loop.tick(milliseconds(0));
        client.take();
    }
    EXPECT_TRUE(client.failed || script.closed || connections.stats().handshakes == 2u);
    EXPECT_EQ(connections.stats().handshakes, 2u) << "no second one on any connection";
    quiet.send("served");
    std::string reply;
    ASSERT_TRUE(until([&] { return (reply += quiet.take()) == "served"; }));
}

TEST_F(TlsTest, HalfOpenHandshakesDoNotKeepOthersOut) {
    Script script;
    script.on_data = echo;
    Connections connections(loop, {.handshakes_max = 8});
    const auto listener = listen(connections, script);
    std::vector<Client> silent;
    for (int i = 0; i < 40; ++i)
        silent.emplace_back(listener->port());
    TlsClient client(listener->port());
    // No more than 8 at any time; the oldest go when they have had a second.
    ASSERT_TRUE(until([&] {
        EXPECT_LE(connections.handshakes(), 8u);
        return client.shaken();
    }));
    EXPECT_GE(closed(connections, CloseReason::tls_failed), 32u);
}

TEST_F(TlsTest, AStormOfHandshakesIsTakenInShares) {
    Script script;
    Connections connections(loop, {.handshake_timeout = milliseconds(60'000), .handshakes_per_tick = 2});
    const auto listener = listen(connections, script);
    std::vector<std::unique_ptr<TlsClient>> clients;
    for (int i = 0; i < 12; ++i) {
        clients.push_back(std::make_unique<TlsClient>(listener->port()));
        clients.back()->shaken();
    }
    loop.tick(milliseconds(100));
    const std::uint64_t before = connections.stats().receives;
    loop.tick(milliseconds(100));
    EXPECT_LE(connections.stats().receives - before, 2u);
    ASSERT_TRUE(until([&] {
        for (auto& client : clients)
            client->shaken();
        return connections.stats().handshakes == 12u;
    }));
}

class TlsTimeTest : public testing::Test {
  protected:
    env::SimClock clock;
    Loop loop{clock};
};

TEST_F(TlsTimeTest, AHandshakeThatNeverEndsIsClosedThoughItsBytesDrip) {
    const CertificateFolder folder;
    const TestCertificates& all = TestCertificates::get();
    const auto context = *TlsContext::load({.certificate_file = folder.write("c", all.server.certificate),
                                            .key_file = folder.write("k", all.server.key)});
    int pair[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    Script script;
    Connections connections(loop, {.handshake_timeout = milliseconds(1'000)});
    connections.adopt(pair[0], std::make_unique<Session>(script), context.get());
    const std::string hello("\x16\x03\x01\x01\xff\x01\x00\x01\xfc\x03\x03", 11);
    for (int i = 0; i < 11 && !script.closed; ++i) {
        ASSERT_EQ(::write(pair[1], &hello[static_cast<std::size_t>(i)], 1), 1);
        loop.tick(milliseconds(0));
        clock.advance_ms(99);
        loop.tick(milliseconds(0));
    }
    EXPECT_EQ(script.closed, CloseReason::tls_failed);
    EXPECT_THAT(script.closed_text, HasSubstr("too long"));
    EXPECT_EQ(connections.handshakes(), 0u);
    ::close(pair[1]);
}

}  // namespace
}  // namespace posthorn::runtime
