#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "rig_for_test.h"

namespace posthorn::gateway::amqp {

/// Whatever is to be chosen is chosen by the next byte; at their end it is always the first.
class Choices {
  public:
    explicit Choices(Bytes bytes) : bytes_(bytes) {}
    bool over() const { return at_ >= bytes_.size(); }
    std::size_t below(std::size_t count) {
        return over() ? 0 : std::to_integer<std::size_t>(bytes_[at_++]) % count;
    }
    bool flag() { return below(2) == 1; }
    template <class T, std::size_t N>
    const T& one_of(const std::array<T, N>& all) {
        return all[below(N)];
    }

  private:
    const Bytes bytes_;
    std::size_t at_ = 0;
};

/// A client that says only what decodes, and means harm: the session's states are walked by methods that are
/// in place and out of it, and the engine is met with every value an argument or a header can have.
class HostileClient {
  public:
    HostileClient(Rig& rig, Choices& choices) : rig_(rig), choices_(choices) { connect(); }

    void step() {
        if (!client_ || client_->is_closed) return connect();
        switch (choices_.below(16)) {
            case 0:
                return rig_.tick(times_[choices_.below(times_.size())]);
            case 1:
                return connection_method();
            case 2:
                return channel_method();
            case 3:
            case 4:
                return queue_declare();
            case 5:
                return exchange_declare();
            case 6:
                return bind();
            case 7:
                return removal();
            case 8:
            case 9:
            case 10:
                return publish();
            case 11:
            case 12:
                return receive();
            case 13:
                return settle();
            case 14:
                client_->is_congested = choices_.flag();
                if (!client_->is_congested) client_->session->on_writable();
                return;
            default:
                return drop_output();
        }
    }
    /// Gone, as a socket goes.
    void leave() { client_.reset(); }

  private:
    static constexpr std::array<std::int64_t, 6> times_{0, 1, 100, 1'000, 60'000, 3'600'000};
    static constexpr std::array<std::int64_t, 12> numbers_{
        0,   1,   2,      -1,
        10,  255, 65'536, std::numeric_limits<std::int64_t>::max(),
        100, 256, 1'000,  std::numeric_limits<std::int64_t>::min()};
    static constexpr std::array<std::string_view, 10> queues_{
        "a", "b", "c", "d", "", "amq.gen", "a ", "a\r\n", "\xff", "amq.rabbitmq.reply-to"};
    static constexpr std::array<std::string_view, 12> exchanges_{
        "x",         "y",           "z",     "",     "amq.direct", "amq.fanout",
        "amq.topic", "amq.headers", "later", "hash", "nope",       "amq.rabbitmq.trace"};
    static constexpr std::array<std::string_view, 9> types_{
        "direct",   "fanout",   "topic", "headers", "x-delayed-message", "x-consistent-hash",
        "x-random", "nonsense", ""};
    static constexpr std::array<std::string_view, 10> keys_{"a",   "b", "",           "a.b", "#",
                                                            "*.b", "1", "1000000000", "-1",  "\x1f"};
    static constexpr std::array<std::string_view, 24> arguments_{"x-message-ttl",
                                                                 "x-expires",
                                                                 "x-max-length",
                                                                 "x-max-length-bytes",
                                                                 "x-max-priority",
                                                                 "x-dead-letter-exchange",
                                                                 "x-dead-letter-routing-key",
                                                                 "x-overflow",
                                                                 "x-queue-type",
                                                                 "x-single-active-consumer",
                                                                 "x-delivery-limit",
                                                                 "x-priority",
                                                                 "alternate-exchange",
                                                                 "x-delayed-type",
                                                                 "hash-header",
                                                                 "hash-property",
                                                                 "x-match",
                                                                 "x-queue-mode",
                                                                 "CC",
                                                                 "BCC",
                                                                 "x-delay",
                                                                 "x-death",
                                                                 "h",
                                                                 "x-first-death-queue"};
    static constexpr std::array<std::string_view, 14> words_{
        "a",      "x",   "quorum",     "classic", "drop-head", "reject-publish", "reject-publish-dlx",
        "direct", "any", "all-with-x", "later",   "h",         "message_id",     "\xff\xfe"};

    void connect() {
        client_ = std::make_unique<TestClient>(*rig_.gateway, choices_.below(8) != 7);
        client_->frame_max = choices_.flag() ? 131'072 : 4'096;
        if (choices_.below(8) == 7) return;  // it begins with a method out of its turn
        client_->start("guest", "guest");
        tell(0, wire::ConnectionTuneOk{choices_.flag() ? std::uint16_t{2} : std::uint16_t{0},
                                       client_->frame_max, 0});
        tell(0, wire::ConnectionOpen{"/"});
        for (const std::uint16_t channel : {1, 2})
            tell(channel, wire::ChannelOpen{});
        drop_output();
    }
    template <class M>
    void tell(std::uint16_t channel, const M& method) {
        client_->tell(channel, method);
    }
    std::uint16_t channel() { return static_cast<std::uint16_t>(1 + choices_.below(3)); }
    std::string_view queue() { return choices_.one_of(queues_); }
    std::string_view exchange() { return choices_.one_of(exchanges_); }
    std::string_view key() { return choices_.one_of(keys_); }

    void value(wire::TableWriter& out, int depth) {
        switch (choices_.below(depth > 3 ? 8 : 10)) {
            case 0:
                return out.int64(choices_.one_of(numbers_));
            case 1:
            case 2:
                return out.text(choices_.one_of(words_));
            case 3:
                return out.boolean(choices_.flag());
            case 4:
                return out.bytes(as_bytes(choices_.one_of(words_)));
            case 5:
                return out.float64(choices_.flag() ? 1.5 : std::numeric_limits<double>::quiet_NaN());
            case 6:
                return out.timestamp(static_cast<std::uint64_t>(choices_.one_of(numbers_)));
            case 7:
                return out.nothing();
            case 8:
                out.begin_array();
                for (std::size_t n = choices_.below(4); n > 0; --n)
                    value(out, depth + 1);
                return out.end();
            default:
                out.begin_table();
                fields(out, depth + 1);
                return out.end();
        }
    }
    void fields(wire::TableWriter& out, int depth) {
        static constexpr std::array<std::string_view, 8> inner{"queue",    "reason",       "count", "time",
                                                               "exchange", "routing-keys", "h",     ""};
        for (std::size_t n = choices_.below(4); n > 0; --n) {
            out.name(depth > 1 ? choices_.one_of(inner) : choices_.one_of(arguments_));
            value(out, depth);
        }
    }
    wire::TableView table(Buffer& bytes) {
        wire::TableWriter writer(bytes);
        fields(writer, 1);
        return writer.finish();
    }

    void connection_method() {
        switch (choices_.below(8)) {
            case 0:
                return tell(0, wire::ConnectionClose{});
            case 1:
                return tell(0, wire::ConnectionCloseOk{});
            case 2:
                return tell(0, wire::ConnectionTuneOk{0, 1, 1});
            case 3:
                return tell(0, wire::ConnectionOpen{"/"});
            case 4:
                return tell(0, wire::ConnectionUpdateSecret{"new", "old"});
            case 5:
                return tell(channel(), wire::ConnectionCloseOk{});
            case 6:
                client_.reset();
                return;
            default:
                return tell(0, wire::QueueDeclare{.queue = queue()});
        }
    }
    void channel_method() {
        const std::uint16_t on = channel();
        switch (choices_.below(8)) {
            case 0:
            case 1:
                tell(on, wire::ChannelCloseOk{});
                return tell(on, wire::ChannelOpen{});
            case 2:
                return tell(on, wire::ChannelClose{wire::ReplyCode::success, "", 0, 0});
            case 3:
                return tell(on, wire::ConfirmSelect{choices_.flag()});
            case 4:
                return tell(on, wire::TxSelect{});
            case 5:
                return tell(on, wire::TxCommit{});
            case 6:
                return tell(on, wire::TxRollback{});
            default:
                return tell(on, wire::ChannelFlow{choices_.flag()});
        }
    }
    void queue_declare() {
        Buffer bytes;
        const std::string_view name = queue();
        const bool passive = choices_.below(8) == 7, durable = choices_.flag(),
                   exclusive = choices_.below(4) == 3, goes = choices_.below(4) == 3;
        tell(channel(), wire::QueueDeclare{name, passive, durable, exclusive, goes, false, table(bytes)});
    }
    void exchange_declare() {
        Buffer bytes;
        const std::string_view name = exchange(), type = choices_.one_of(types_);
        const bool durable = choices_.flag(), goes = choices_.below(4) == 3,
                   internal = choices_.below(4) == 3;
        tell(channel(),
             wire::ExchangeDeclare{name, type, false, durable, goes, internal, false, table(bytes)});
    }
    void bind() {
        Buffer bytes;
        const std::string_view to = queue(), from = exchange(), by = key();
        const wire::TableView arguments = table(bytes);
        switch (choices_.below(6)) {
            case 0:
                return tell(channel(), wire::QueueUnbind{to, from, by, arguments});
            case 1:
                return tell(channel(), wire::ExchangeBind{exchange(), from, by, false, arguments});
            case 2:
                return tell(channel(), wire::ExchangeUnbind{exchange(), from, by, false, arguments});
            default:
                return tell(channel(), wire::QueueBind{to, from, by, false, arguments});
        }
    }
    void removal() {
        switch (choices_.below(3)) {
            case 0:
                return tell(channel(), wire::QueuePurge{queue(), choices_.flag()});
            case 1:
                return tell(channel(), wire::ExchangeDelete{exchange(), choices_.flag(), false});
            default:
                return tell(channel(), wire::QueueDelete{queue(), choices_.flag(), choices_.flag(), false});
        }
    }
    void publish() {
        static constexpr std::array<std::string_view, 7> lives{
            "0", "1", "1000", "-1", "x", "+5", "99999999999999999999"};
        Buffer bytes;
        wire::Properties properties;
        if (choices_.flag()) properties.delivery_mode = static_cast<std::uint8_t>(choices_.below(4));
        if (choices_.flag()) properties.priority = static_cast<std::uint8_t>(choices_.below(256));
        if (choices_.below(4) == 3) properties.expiration = choices_.one_of(lives);
        if (choices_.below(4) == 3) properties.reply_to = choices_.one_of(queues_);
        if (choices_.below(4) == 3) properties.message_id = choices_.one_of(words_);
        if (choices_.flag()) properties.headers = table(bytes);
        const std::string body(choices_.below(16) == 15 ? 10'000 : choices_.below(3), 'x');
        client_->publish(channel(), exchange(), key(), body, properties, choices_.flag());
    }
    void receive() {
        Buffer bytes;
        const std::uint16_t on = channel();
        switch (choices_.below(5)) {
            case 0:
                return tell(on, wire::BasicGet{queue(), choices_.flag()});
            case 1:
                return tell(on, wire::BasicCancel{choices_.one_of(keys_), choices_.flag()});
            case 2:
                return tell(
                    on, wire::BasicQos{0, static_cast<std::uint16_t>(choices_.below(3)), choices_.flag()});
            default: {
                const std::string_view from = queue(), tag = key();
                const bool no_ack = choices_.below(4) == 3, exclusive = choices_.below(8) == 7;
                return tell(on, wire::BasicConsume{from, tag, false, no_ack, exclusive, false, table(bytes)});
            }
        }
    }
    void settle() {
        const std::uint16_t on = channel();
        const std::uint64_t tag = choices_.below(6);
        switch (choices_.below(5)) {
            case 0:
                return tell(on, wire::BasicAck{tag, choices_.flag()});
            case 1:
                return tell(on, wire::BasicReject{tag, choices_.flag()});
            case 2:
                return tell(on, wire::BasicRecover{choices_.below(8) != 7});
            default:
                return tell(on, wire::BasicNack{tag, choices_.flag(), choices_.flag()});
        }
    }
    /// The client reads.
    void drop_output() { client_->raw_output(); }

    Rig& rig_;
    Choices& choices_;
    std::unique_ptr<TestClient> client_;
};

/// What must hold whatever they did: who is gone holds nothing, and the engine comes to rest.
inline void expect_nothing_held(Rig& rig) {
    for (int n = 0; n < 50; ++n)
        rig.tick(100);
    EXPECT_EQ(rig.gateway->sessions.size(), 0u);
    EXPECT_EQ(rig.gateway->channels.size(), 0u);
    EXPECT_EQ(rig.gateway->counters.consumers, 0u);
    rig.hosts->each([](exchange::VirtualHost& host) {
        host.each_queue([](exchange::Queue& queue) {
            EXPECT_EQ(queue.counts().unacked, 0u) << queue.spec().name;
            EXPECT_EQ(queue.counts().unacked_bytes, 0u) << queue.spec().name;
            EXPECT_EQ(queue.counts().consumers, 0u) << queue.spec().name;
        });
    });
}

}  // namespace posthorn::gateway::amqp
