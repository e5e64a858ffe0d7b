#include "base/log.h"
#include "rig_for_test.h"

namespace posthorn::gateway::amqp {
namespace {

using wire::MethodCode;
using wire::ReplyCode;

class HandshakeTest : public ::testing::Test {
  protected:
    Rig rig;
};

TEST_F(HandshakeTest, AClientLearnsWhoItTalksToAndMayGoOn) {
    TestClient client(*rig.gateway);
    client.raw(as_text(Bytes(wire::kProtocolHeader)));
    const Seen seen = client.one();
    const auto start = seen.as<wire::ConnectionStart>();
    EXPECT_EQ(start.server_properties.text("product"), "RabbitMQ");
    EXPECT_EQ(start.server_properties.text("version"), "3.10.8");
    EXPECT_EQ(start.server_properties.text("platform"), "Posthorn");
    EXPECT_EQ(start.mechanisms, "AMQPLAIN PLAIN");
    const auto capabilities = start.server_properties.table("capabilities");
    ASSERT_TRUE(capabilities);
    for (const char* name : {"publisher_confirms", "exchange_exchange_bindings", "basic.nack",
                             "consumer_cancel_notify", "connection.blocked", "consumer_priorities",
                             "authentication_failure_close", "per_consumer_qos", "direct_reply_to"})
        EXPECT_EQ(capabilities->boolean(name), true) << name;

    TestClient other(*rig.gateway);
    other.open();
    EXPECT_EQ(other.session->state(), Session::State::running);
    EXPECT_EQ(other.session->name(), "127.0.0.1:50000 -> 127.0.0.1:5672");
}

TEST_F(HandshakeTest, EveryByteMayComeAlone) {
    TestClient whole(*rig.gateway);
    Buffer response;
    wire::append_plain(response, {"guest", "guest"});
    Buffer bytes;
    bytes.append(Bytes(wire::kProtocolHeader));
    wire::append_method(bytes, 0,
                        wire::ConnectionStartOk{
                            .mechanism = "PLAIN", .response = as_text(response.view()), .locale = "en_US"});
    wire::append_method(bytes, 0, wire::ConnectionTuneOk{2047, 131'072, 0});
    wire::append_method(bytes, 0, wire::ConnectionOpen{"/"});
    wire::append_method(bytes, 1, wire::ChannelOpen{});
    for (const char byte : as_text(bytes.view()))
        whole.raw(std::string_view(&byte, 1));
    const auto seen = whole.take();
    ASSERT_EQ(seen.size(), 4u);
    EXPECT_EQ(seen[2].code, MethodCode::connection_open_ok);
    EXPECT_EQ(seen[3].code, MethodCode::channel_open_ok);
}

TEST_F(HandshakeTest, AStrangerIsToldTheProtocolAndShownOut) {
    for (const std::string hello : {"HELO\n\n\n\n", "GET / HTTP/1.1", "AMQP\x00\x01\x00\x00"}) {
        TestClient client(*rig.gateway);
        client.raw(std::string_view(hello.data(), std::max<std::size_t>(hello.size(), 8)));
        EXPECT_EQ(client.raw_output(), as_text(Bytes(wire::kProtocolHeader)));
        EXPECT_TRUE(client.is_closed);
    }
}

TEST_F(HandshakeTest, WhoIsRefusedIsToldIfItCanListen) {
    TestClient client(*rig.gateway);
    client.start("guest", "wrong");
    const auto seen = client.take();
    ASSERT_EQ(seen.size(), 2u);
    const auto close = seen[1].as<wire::ConnectionClose>();
    EXPECT_EQ(close.reply_code, ReplyCode::access_refused);
    EXPECT_EQ(close.reply_text,
              "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. For details see the "
              "broker logfile.");
    client.tell(0, wire::ConnectionCloseOk{});
    EXPECT_TRUE(client.is_closed);
}

TEST_F(HandshakeTest, OtherwiseItWaitsThreeSecondsForNothing) {
    for (const bool knows_user : {true, false}) {
        TestClient client(*rig.gateway);
        client.capabilities = {};
        client.start(knows_user ? "guest" : "nobody", "wrong");
        EXPECT_EQ(client.take().size(), 1u);
        client.tell(0, wire::ConnectionTuneOk{2047, 131'072, 0});
        rig.tick(2'900);
        EXPECT_FALSE(client.is_closed);
        rig.tick(200);
        EXPECT_TRUE(client.is_closed);
        EXPECT_TRUE(client.take().empty());
    }
}

TEST_F(HandshakeTest, GuestComesFromThisMachineOnly) {
    TestClient client(*rig.gateway, false);
    client.start("guest", "guest");
    EXPECT_EQ(client.take().back().as<wire::ConnectionClose>().reply_code, ReplyCode::access_refused);
    ASSERT_TRUE(rig.users->put_user("other", "secret", {}).ok());
    ASSERT_TRUE(rig.users->put_permission("other", "/", {"", "", ""}).ok());
    TestClient other(*rig.gateway, false);
    other.open("other", "secret");
}

TEST_F(HandshakeTest, AVirtualHostMustBeThereAndOpenToTheUser) {
    TestClient client(*rig.gateway);
    client.start("guest", "guest");
    client.tell(0, wire::ConnectionTuneOk{2047, 131'072, 0});
    client.tell(0, wire::ConnectionOpen{"nope"});
    const Seen seen = client.take().back();
    const auto close = seen.as<wire::ConnectionClose>();
    EXPECT_EQ(close.reply_code, ReplyCode::not_allowed);
    EXPECT_EQ(close.reply_text, "NOT_ALLOWED - vhost nope not found");
    EXPECT_EQ(wire::method_code(close.class_id, close.method_id), MethodCode::connection_open);

    ASSERT_TRUE(rig.hosts->add("closed").ok());
    TestClient other(*rig.gateway);
    other.start("guest", "guest");
    other.tell(0, wire::ConnectionTuneOk{2047, 131'072, 0});
    other.tell(0, wire::ConnectionOpen{"closed"});
    const Seen refused = other.take().back();
    EXPECT_EQ(refused.as<wire::ConnectionClose>().reply_text,
              "NOT_ALLOWED - access to vhost 'closed' refused for user 'guest'");
}

TEST_F(HandshakeTest, AVirtualHostHasRoomForSoManyConnections) {
    exchange::VirtualHost& host = *rig.hosts->find("/");
    ASSERT_TRUE(host.set_limits({.max_queues = {}, .max_connections = 2}).ok());
    TestClient first(*rig.gateway);
    first.open();
    {
        TestClient second(*rig.gateway), third(*rig.gateway);
        second.open();
        third.start("guest", "guest");
        third.tell(0, wire::ConnectionTuneOk{2047, 131'072, 0});
        third.tell(0, wire::ConnectionOpen{"/"});
        const Seen seen = third.take().back();
        const auto close = seen.as<wire::ConnectionClose>();
        EXPECT_EQ(close.reply_code, ReplyCode::not_allowed);
        EXPECT_EQ(close.reply_text,
                  "NOT_ALLOWED - access to vhost '/' refused for user 'guest': connection limit (2) is "
                  "reached");
    }
    TestClient in_its_place(*rig.gateway);
    in_its_place.open();
    EXPECT_EQ(rig.gateway->connections_in(host), 2u);
}

// Logins by certificate

runtime::TlsSession shown(std::string common_name) {
    runtime::TlsSession session{.protocol = "TLSv1.3", .cipher = "any", .peer = {}, .peer_asked = true};
    if (common_name.empty()) return session;
    session.peer.emplace();
    session.peer->subject = "CN=" + common_name + ",O=Example";
    session.peer->common_name = common_name;
    return session;
}

std::string refused_with(TestClient& client) {
    const auto seen = client.take();
    if (seen.size() != 2) return "let in, or not told";
    return std::string(seen[1].as<wire::ConnectionClose>().reply_text);
}

constexpr const char* kExternalRefused =
    "ACCESS_REFUSED - Login was refused using authentication mechanism EXTERNAL. For details see the broker "
    "logfile.";

TEST_F(HandshakeTest, ExternalIsOfferedToWhoHasShownACertificateOnly) {
    const runtime::TlsSession with = shown("one"), without = shown("");
    const auto offered = [&](const runtime::TlsSession* tls) {
        TestClient client(*rig.gateway, true, tls);
        client.raw(as_text(Bytes(wire::kProtocolHeader)));
        const Seen seen = client.one();
        return std::string(seen.as<wire::ConnectionStart>().mechanisms);
    };
    EXPECT_EQ(offered(&with), "EXTERNAL AMQPLAIN PLAIN");
    EXPECT_EQ(offered(&without), "AMQPLAIN PLAIN");
    EXPECT_EQ(offered(nullptr), "AMQPLAIN PLAIN");
}

TEST_F(HandshakeTest, ACertificatesSubjectIsTheUserUnlessItsCommonNameShallBe) {
    const runtime::TlsSession tls = shown("one");
    for (const bool common : {false, true}) {
        rig.gateway->options.certificate_login =
            common ? CertificateLogin::common_name : CertificateLogin::distinguished_name;
        const std::string name = common ? "one" : "CN=one,O=Example";
        TestClient unknown(*rig.gateway, true, &tls);
        unknown.start_with("EXTERNAL", "");
        EXPECT_EQ(refused_with(unknown), kExternalRefused);
        ASSERT_TRUE(rig.users->put_user(name, auth::PasswordHash(), {}).ok());
        TestClient client(*rig.gateway, true, &tls);
        client.start_with("EXTERNAL", "");
        EXPECT_EQ(client.take().back().code, MethodCode::connection_tune);
        EXPECT_EQ(client.session->user(), name);
        TestClient by_password(*rig.gateway);
        by_password.start(name, "");
        EXPECT_EQ(by_password.take().back().code, MethodCode::connection_close);
    }
}

TEST_F(HandshakeTest, ExternalWithoutACertificateIsRefusedAndWithoutTlsUnknown) {
    const runtime::TlsSession tls = shown("");
    TestClient bare(*rig.gateway, true, &tls);
    bare.start_with("EXTERNAL", "guest");
    EXPECT_EQ(refused_with(bare), kExternalRefused);
    EXPECT_EQ(rig.gateway->counters.logins_refused, 1u);
    TestClient plain(*rig.gateway);
    plain.start_with("EXTERNAL", "guest");
    EXPECT_EQ(plain.session->state(), Session::State::silent);
}

TEST_F(HandshakeTest, ACertificateOfALoopbackUserComesFromThisMachineOnly) {
    rig.gateway->options.certificate_login = CertificateLogin::common_name;
    const runtime::TlsSession tls = shown("guest");
    TestClient far(*rig.gateway, false, &tls);
    far.start_with("EXTERNAL", "");
    EXPECT_EQ(refused_with(far), kExternalRefused);
    TestClient near(*rig.gateway, true, &tls);
    near.start_with("EXTERNAL", "");
    EXPECT_EQ(near.take().back().code, MethodCode::connection_tune);
}

TEST_F(HandshakeTest, TuningKeepsToTheOffer) {
    struct Asked {
        std::uint16_t channels;
        std::uint32_t frame;
        bool good;
    };
    for (const Asked asked : {Asked{2047, 131'072, true},
                              {1, 4096, true},
                              {0, 131'072, false},
                              {2048, 131'072, false},
                              {10, 4095, false},
                              {10, 131'073, false},
                              {10, 0, false}}) {
        TestClient client(*rig.gateway);
        client.start("guest", "guest");
        client.tell(0, wire::ConnectionTuneOk{asked.channels, asked.frame, 0});
        client.tell(0, wire::ConnectionOpen{"/"});
        EXPECT_EQ(client.session->state() == Session::State::running, asked.good)
            << asked.channels << " " << asked.frame;
    }
}

TEST_F(HandshakeTest, ItMayNotTakeLongerThanTenSeconds) {
    TestClient idle(*rig.gateway), half(*rig.gateway);
    half.start("guest", "guest");
    rig.tick(9'900);
    EXPECT_FALSE(idle.is_closed);
    rig.tick(200);
    EXPECT_TRUE(idle.is_closed);
    EXPECT_TRUE(half.is_closed);
}

TEST_F(HandshakeTest, FramesOutOfTheirTurnAreMetWithSilence) {
    for (const int what : {0, 1, 2, 3}) {
        TestClient client(*rig.gateway);
        client.start("guest", "guest");
        client.take();
        if (what == 0) client.tell(0, wire::ConnectionOpen{"/"});
        if (what == 1) client.tell(1, wire::ChannelOpen{});
        if (what == 2) client.raw("garbage garbage garbage");
        if (what == 3) client.raw(std::string("\x01\0\0\0\0\x20\0", 7));  // longer than 4096
        EXPECT_EQ(client.session->state(), Session::State::silent) << what;
        EXPECT_TRUE(client.take().empty());
    }
}

TEST_F(HandshakeTest, HeartbeatsGoOutAtHalfTheIntervalAndSilenceIsTheEnd) {
    TestClient client(*rig.gateway);
    client.heartbeat = 2;
    client.open();
    for (int n = 0; n < 30; ++n)
        rig.tick(100);
    client.take();
    EXPECT_EQ(client.heartbeats, 3u);
    Buffer beat;
    wire::append_heartbeat(beat);
    client.raw(as_text(beat.view()));
    for (int n = 0; n < 59; ++n)
        rig.tick(100);
    EXPECT_FALSE(client.is_closed);
    rig.tick(200);
    EXPECT_TRUE(client.is_closed);
}

TEST_F(HandshakeTest, SilenceIsTheEndWhateverIsStillToBeSent) {
    TestClient client(*rig.gateway);
    client.heartbeat = 2;
    client.open();
    client.is_congested = true;
    for (int n = 0; n < 62; ++n)
        rig.tick(100);
    EXPECT_TRUE(client.is_closed);
}

TEST_F(HandshakeTest, WhoIsNotReadForItsOwnBacklogLivesAsLongAsItReads) {
    TestClient client(*rig.gateway);
    client.heartbeat = 2;
    client.open();
    client.open_channel(1);
    const std::string large(100'000, 'x');
    while (!client.is_paused)
        client.publish(1, "", "nowhere", large, {}, true);
    for (int n = 0; n < 80; ++n) {
        rig.tick(100);
        if (n % 20 == 0) client.take();
    }
    EXPECT_FALSE(client.is_closed);
    for (int n = 0; n < 62; ++n)
        rig.tick(100);
    EXPECT_TRUE(client.is_closed);
}

TEST_F(HandshakeTest, RefusedLoginsAreWarningsThatSayHowManyWereLeftOut) {
    std::vector<std::string> lines;
    set_log_sink([&](LogLevel level, std::string_view, std::string_view line) {
        if (level == LogLevel::warn) lines.emplace_back(line);
    });
    const auto refuse = [this](int times) {
        for (int n = 0; n < times; ++n) {
            TestClient client(*rig.gateway);
            client.start("guest", "wrong");
        }
    };
    refuse(5);
    rig.tick(1'500);
    refuse(1);
    set_log_sink({});
    ASSERT_EQ(lines.size(), 2u);
    EXPECT_NE(lines[0].find("login of 'guest' refused"), std::string::npos) << lines[0];
    EXPECT_NE(lines[1].find("(4 more like it since the last such line)"), std::string::npos) << lines[1];
}

TEST_F(HandshakeTest, ANewSecretIsAccepted) {
    TestClient client(*rig.gateway);
    client.open();
    client.tell(0, wire::ConnectionUpdateSecret{"new", "because"});
    EXPECT_EQ(client.one().code, MethodCode::connection_update_secret_ok);
}

TEST_F(HandshakeTest, ClosingIsAnsweredAndCrossingClosesToo) {
    TestClient client(*rig.gateway);
    client.open();
    client.tell(0, wire::ConnectionClose{ReplyCode::success, "bye", 0, 0});
    EXPECT_EQ(client.one().code, MethodCode::connection_close_ok);
    EXPECT_TRUE(client.is_closed);
    EXPECT_FALSE(client.is_cut);
    rig.tick(rig.gateway->options.close_timeout.count());
    EXPECT_TRUE(client.is_cut) << "our last words are not waited for without end";

    TestClient other(*rig.gateway);
    other.open();
    other.session->force_close("because");
    const Seen seen = other.one();
    const auto close = seen.as<wire::ConnectionClose>();
    EXPECT_EQ(close.reply_code, ReplyCode::connection_forced);
    EXPECT_EQ(close.reply_text, "CONNECTION_FORCED - because");
    other.tell(0, wire::ConnectionClose{ReplyCode::success, "bye", 0, 0});
    EXPECT_EQ(other.one().code, MethodCode::connection_close_ok);
    EXPECT_FALSE(other.is_closed);
    other.tell(0, wire::ConnectionCloseOk{});
    EXPECT_TRUE(other.is_closed);
}

}  // namespace
}  // namespace posthorn::gateway::amqp
