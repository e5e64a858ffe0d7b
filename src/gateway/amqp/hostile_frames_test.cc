#include "base/log.h"
#include "hostile_client.h"

namespace posthorn::gateway::amqp {
namespace {

using wire::MethodCode;
using wire::ReplyCode;

/// What nobody's client sends.
class HostileFramesTest : public ::testing::Test {
  protected:
    void SetUp() override { fresh(); }
    void fresh() {
        client = std::make_unique<TestClient>(*rig.gateway);
        client->open();
        client->open_channel(1);
    }
    void frame(std::uint8_t type, std::uint16_t channel, std::string_view payload,
               std::byte end = wire::kFrameEnd) {
        Buffer bytes;
        bytes.be(type);
        bytes.be(channel);
        bytes.be(static_cast<std::uint32_t>(payload.size()));
        bytes.append(payload);
        bytes.append(Bytes(&end, 1));
        client->raw(as_text(bytes.view()));
    }
    void expect_closed(ReplyCode code, std::string_view text, MethodCode method = MethodCode::none) {
        const auto seen = client->take();
        ASSERT_EQ(seen.size(), 1u) << text;
        const auto close = seen[0].as<wire::ConnectionClose>();
        EXPECT_EQ(close.reply_code, code);
        EXPECT_EQ(close.reply_text, text);
        EXPECT_EQ(wire::name(wire::method_code(close.class_id, close.method_id)), wire::name(method));
        EXPECT_EQ(client->session->state(), Session::State::closing);
        fresh();
    }
    static std::string header(std::uint64_t size, std::uint16_t class_id = 60) {
        Buffer bytes;
        bytes.be(class_id);
        bytes.be(std::uint16_t{0});
        bytes.be(size);
        bytes.be(std::uint16_t{0});
        return std::string(as_text(bytes.view()));
    }
    void publish_method() { client->tell(1, wire::BasicPublish{.routing_key = "k"}); }

    Rig rig;
    std::unique_ptr<TestClient> client;
};

TEST_F(HostileFramesTest, ArgumentsWithoutEndAreRefusedBeforeTheyAreLookedAt) {
    const auto declare = [&](std::size_t fields, bool nested) {
        Buffer bytes;
        wire::TableWriter writer(bytes);
        if (nested) writer.name("inside").begin_array();
        for (std::size_t n = 0; n < fields; ++n)
            (nested ? writer : writer.name(std::to_string(n))).int64(1);
        if (nested) writer.end();
        client->tell(1, wire::QueueDeclare{.queue = "q", .arguments = writer.finish()});
        return client->one();
    };
    EXPECT_EQ(declare(255, false).code, MethodCode::queue_declare_ok);
    for (const bool nested : {false, true}) {
        const Seen refused = declare(300, nested);
        const auto close = refused.as<wire::ChannelClose>();
        EXPECT_EQ(close.reply_text, "PRECONDITION_FAILED - more than 256 arguments");
        fresh();
    }
}

TEST_F(HostileFramesTest, FramesThatMakeNoSenseCloseTheConnection) {
    frame(3, 1, "x");
    expect_closed(ReplyCode::unexpected_frame,
                  "UNEXPECTED_FRAME - expected method frame, got non method frame instead");
    publish_method();
    client->tell(1, wire::BasicQos{});
    expect_closed(ReplyCode::unexpected_frame,
                  "UNEXPECTED_FRAME - expected content header for class 60, got non content header frame "
                  "instead",
                  MethodCode::basic_publish);
    publish_method();
    frame(2, 1, header(1, 50));
    expect_closed(ReplyCode::unexpected_frame,
                  "UNEXPECTED_FRAME - expected content header for class 60, got one for class 50 instead",
                  MethodCode::basic_publish);
    frame(8, 1, "");
    expect_closed(ReplyCode::unexpected_frame, "UNEXPECTED_FRAME - type 8, all octets = <<>>");
    frame(8, 0, "x");
    expect_closed(ReplyCode::frame_error, "FRAME_ERROR - type 8, all octets = <<\"x\">>: unknown_frame");
    frame(9, 1, "x");
    expect_closed(ReplyCode::frame_error, "FRAME_ERROR - type 9, all octets = <<\"x\">>: unknown_frame");
    frame(1, 1, std::string("\0\x3c\0\x0a", 4), std::byte{0xCD});
    expect_closed(ReplyCode::frame_error,
                  "FRAME_ERROR - type 1, all octets = <<0,60,0,10>>: {invalid_frame_end_marker,205}");
    frame(1, 1, std::string("\0\x32\0\x0a\0\0\x05\x61\x62", 9));
    expect_closed(ReplyCode::frame_error, "FRAME_ERROR - cannot decode <<0,0,5,97,98>>",
                  MethodCode::queue_declare);
}

TEST_F(HostileFramesTest, MethodsOutOfPlaceCloseTheConnection) {
    client->tell(2, wire::QueueDeclare{.queue = "x"});
    expect_closed(ReplyCode::channel_error, "CHANNEL_ERROR - expected 'channel.open'",
                  MethodCode::queue_declare);
    client->tell(1, wire::ChannelOpen{});
    expect_closed(ReplyCode::channel_error, "CHANNEL_ERROR - second 'channel.open' seen",
                  MethodCode::channel_open);
    client->tell(0, wire::ChannelOpen{});
    expect_closed(ReplyCode::channel_error, "CHANNEL_ERROR - unexpected method in connection state running",
                  MethodCode::channel_open);
    client->tell(1, wire::BasicConsumeOk{"x"});
    expect_closed(ReplyCode::command_invalid, "COMMAND_INVALID - unimplemented method",
                  MethodCode::basic_consume_ok);
    client->tell(1, wire::BasicQos{.prefetch_size = 10});
    expect_closed(ReplyCode::not_implemented, "NOT_IMPLEMENTED - prefetch_size!=0 (10)",
                  MethodCode::basic_qos);
    client->tell(1, wire::BasicRecover{.requeue = false});
    expect_closed(ReplyCode::not_implemented, "NOT_IMPLEMENTED - requeue=false", MethodCode::basic_recover);
    client->tell(1, wire::ChannelFlow{false});
    expect_closed(ReplyCode::not_implemented, "NOT_IMPLEMENTED - active=false", MethodCode::channel_flow);
    client->tell(1, wire::ExchangeDeclare{.exchange = "x", .type = "nosuch"});
    expect_closed(ReplyCode::command_invalid, "COMMAND_INVALID - unknown exchange type 'nosuch'",
                  MethodCode::exchange_declare);
}

TEST_F(HostileFramesTest, AClosingChannelHearsNothingButItsEnd) {
    client->tell(1, wire::QueueDeclare{.queue = "nope", .passive = true});
    const Seen seen = client->one();
    EXPECT_EQ(seen.as<wire::ChannelClose>().reply_text, "NOT_FOUND - no queue 'nope' in vhost '/'");
    client->publish(1, "", "q", "x");
    client->tell(1, wire::QueueDeclare{.queue = "q"});
    EXPECT_TRUE(client->take().empty());
    EXPECT_EQ(rig.hosts->find("/")->queue("q"), nullptr);
    client->tell(1, wire::ChannelClose{ReplyCode::success, "", 0, 0});
    EXPECT_EQ(client->one().code, MethodCode::channel_close_ok);
    client->tell(1, wire::ChannelCloseOk{});
    client->open_channel(1);
}

TEST_F(HostileFramesTest, ChannelsAreCountedNotNumbered) {
    TestClient two(*rig.gateway);
    two.start("guest", "guest");
    two.tell(0, wire::ConnectionTuneOk{2, 131'072, 0});
    two.tell(0, wire::ConnectionOpen{"/"});
    two.take();
    two.open_channel(500);
    two.open_channel(65'535);
    two.tell(3, wire::ChannelOpen{});
    EXPECT_EQ(two.one().as<wire::ConnectionClose>().reply_text,
              "NOT_ALLOWED - number of channels opened (2) has reached the negotiated channel_max (2)");
}

TEST_F(HostileFramesTest, AnnouncedGiantsTakeNoMemory) {
    publish_method();
    frame(2, 1, header(std::uint64_t{1} << 40));
    EXPECT_EQ(client->take().size(), 1u);
    fresh();
    publish_method();
    frame(2, 1, header(15u << 20));
    frame(3, 1, "x");
    EXPECT_TRUE(client->take().empty());
    client->session->each_channel(
        [](Channel& channel) { EXPECT_LT(channel.kept_bytes(), std::size_t{1} << 20); });
}

TEST(HostileClientTest, MethodsThatDecodeDoNoHarmWhateverTheySay) {
    set_log_sink([](LogLevel, std::string_view, std::string_view) {});
    for (std::uint64_t seed = 1; seed <= 150; ++seed) {
        SCOPED_TRACE(seed);
        env::Random random(seed);
        std::string bytes(2'000, '\0');
        for (char& byte : bytes)
            byte = static_cast<char>(random());
        Rig rig;
        Choices choices(as_bytes(bytes));
        {
            HostileClient one(rig, choices), other(rig, choices);
            while (!choices.over())
                (choices.flag() ? one : other).step();
        }
        expect_nothing_held(rig);
    }
    set_log_sink(nullptr);
}

TEST_F(HostileFramesTest, NoRunOfRandomBytesDoesHarm) {
    env::Random random(5);
    for (int run = 0; run < 300; ++run) {
        fresh();
        for (int n = 0; n < 20 && !client->is_closed; ++n) {
            std::string payload(random.below(60), '\0');
            for (char& byte : payload)
                byte = static_cast<char>(random());
            if (payload.size() >= 4 && random.chance(0.9)) {  // mostly a method there is
                const std::uint16_t classes[] = {10, 20, 30, 40, 50, 60, 85, 90};
                store_be(reinterpret_cast<std::byte*>(payload.data()), classes[random.below(8)]);
                store_be(reinterpret_cast<std::byte*>(payload.data() + 2),
                         static_cast<std::uint16_t>(random.below(13) * 10 + random.below(2)));
            }
            frame(static_cast<std::uint8_t>(random.below(4)), static_cast<std::uint16_t>(random.below(3)),
                  payload);
        }
        rig.tick();
        client->take();
    }
}

}  // namespace
}  // namespace posthorn::gateway::amqp
