#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "auth/keep.h"
#include "env/clock.h"
#include "env/sim_files.h"
#include "gateway.h"
#include "runtime/worker.h"
#include "session.h"
#include "store/definitions.h"
#include "wire/amqp/decode.h"
#include "wire/amqp/encode.h"
#include "wire/amqp/properties.h"
#include "wire/amqp/protocol_header.h"
#include "wire/amqp/sasl.h"

namespace posthorn::gateway::amqp {

/// A method from the server as a test looks at it, with its content if it has one.
struct Seen {
    std::uint16_t channel = 0;
    wire::MethodCode code = wire::MethodCode::none;
    std::string method, properties, body;

    /// Views into this: keep it as long as the result's texts.
    template <class M>
    M as() const {
        M fields;
        EXPECT_EQ(wire::name(code), wire::name(M::code));
        EXPECT_TRUE(wire::decode(as_bytes(method), fields));
        return fields;
    }
    wire::Properties read_properties() const {
        wire::Properties read;
        EXPECT_TRUE(wire::decode_properties(as_bytes(properties), read));
        return read;
    }
    std::string_view name() const { return wire::name(code); }
};

/// One client without a socket.
class TestClient final : public Link {
  public:
    explicit TestClient(Gateway& gateway, bool loopback = true, const runtime::TlsSession* tls = nullptr)
        : session(std::make_unique<Session>(
              gateway, *this,
              Ends{loopback ? "127.0.0.1" : "10.0.0.7", "127.0.0.1", 50'000, 5672, loopback, tls})) {}

    Buffer& out() override { return out_; }
    bool congested() const override { return is_congested; }
    std::size_t unsent() const override { return out_.size(); }
    std::uint64_t bytes_out() const override { return taken_ + out_.size(); }
    void pause_reading() override { is_paused = true; }
    void resume_reading() override { is_paused = false; }
    void close(std::string_view) override { is_closed = is_cut = true; }
    void close_when_sent() override { is_closed = true; }

    /// Offers what was written so far, with what the session did not take before, as the runtime does.
    void flush() {
        if (!is_paused && !input_.empty()) {
            const std::size_t taken = session->on_data(input_.view());
            Buffer rest;
            rest.append(input_.view().subspan(taken));
            input_ = std::move(rest);
        }
    }
    void raw(std::string_view bytes) {
        input_.append(bytes);
        flush();
    }
    template <class M>
    void tell(std::uint16_t channel, const M& method) {
        wire::append_method(input_, channel, method);
        flush();
    }
    void publish(std::uint16_t channel, std::string_view exchange, std::string_view key,
                 std::string_view body, const wire::Properties& properties = {}, bool mandatory = false) {
        Buffer encoded;
        wire::append_properties(encoded, properties);
        wire::append_content(
            input_, channel,
            wire::BasicPublish{.exchange = exchange, .routing_key = key, .mandatory = mandatory},
            encoded.view(), as_bytes(body), frame_max);
        flush();
    }

    /// Everything that was written since the last call; heartbeats are counted.
    std::vector<Seen> take() {
        std::vector<Seen> all;
        wire::FrameSplitter splitter(out_.view(), 0);
        wire::Frame frame;
        while (splitter.next(frame) == wire::FrameSplitter::Step::frame) {
            switch (frame.type) {
                case wire::FrameType::method:
                    all.push_back({frame.channel,
                                   wire::method_of(frame.payload),
                                   std::string(as_text(frame.payload)),
                                   {},
                                   {}});
                    break;
                case wire::FrameType::header:
                    all.back().properties = as_text(frame.payload.subspan(wire::kContentHeaderHead));
                    break;
                case wire::FrameType::body:
                    EXPECT_LE(frame.payload.size() + wire::kFrameOverhead, frame_max);
                    all.back().body += as_text(frame.payload);
                    break;
                case wire::FrameType::heartbeat:
                    ++heartbeats;
                    break;
            }
        }
        EXPECT_EQ(splitter.consumed(), out_.size());
        taken_ += out_.size();
        out_.clear();
        return all;
    }
    Seen one() {
        auto all = take();
        EXPECT_EQ(all.size(), 1u) << (all.empty() ? "nothing" : all.front().name());
        return all.empty() ? Seen{} : all.front();
    }
    std::string raw_output() {
        std::string bytes(as_text(out_.view()));
        out_.clear();
        return bytes;
    }

    /// Logs in; the answers are looked at only where that fails.
    void open(std::string_view user = "guest", std::string_view password = "guest",
              std::string_view host = "/") {
        start(user, password);
        tell(0, wire::ConnectionTuneOk{2047, frame_max, heartbeat});
        tell(0, wire::ConnectionOpen{host});
        const auto seen = take();
        ASSERT_EQ(seen.size(), 3u);
        ASSERT_EQ(seen.back().code, wire::MethodCode::connection_open_ok);
    }
    void start(std::string_view user, std::string_view password) {
        Buffer response;
        wire::append_plain(response, {user, password});
        start_with("PLAIN", as_text(response.view()));
    }
    void start_with(std::string_view mechanism, std::string_view response) {
        raw(as_text(Bytes(wire::kProtocolHeader)));
        Buffer properties;
        wire::TableWriter writer(properties);
        wire::write_capabilities(writer, capabilities);
        const wire::TableView table = writer.finish();
        tell(
            0,
            wire::ConnectionStartOk{
                .client_properties = table, .mechanism = mechanism, .response = response, .locale = "en_US"});
    }
    void open_channel(std::uint16_t channel) {
        tell(channel, wire::ChannelOpen{});
        ASSERT_EQ(one().code, wire::MethodCode::channel_open_ok);
    }

    wire::Capabilities capabilities = wire::server_capabilities();
    std::uint32_t frame_max = 131'072;
    std::uint16_t heartbeat = 0;
    bool is_congested = false, is_paused = false, is_closed = false;
    bool is_cut = false;  ///< closed without waiting for what is unsent
    std::size_t heartbeats = 0;
    std::unique_ptr<Session> session;

  private:
    Buffer out_, input_;
    std::uint64_t taken_ = 0;
};

class MemoryKeep final : public auth::Keep {
  public:
    void put(std::string_view space, std::string_view key, std::string_view text) override {
        all_[std::string(space)][std::string(key)] = text;
    }
    void remove(std::string_view space, std::string_view key) override {
        all_[std::string(space)].erase(std::string(key));
    }
    void each(std::string_view space,
              const std::function<void(std::string_view key, std::string_view text)>& visit) const override {
        const auto at = all_.find(std::string(space));
        if (at == all_.end()) return;
        for (const auto& [key, text] : at->second)
            visit(key, text);
    }

  private:
    std::map<std::string, std::map<std::string, std::string>> all_;
};

/// A gateway over an engine on simulated files; time passes only in `tick`.
class Rig {
  public:
    /// `by_hand`: syncs and loads end when the test says so.
    explicit Rig(AmqpOptions options = {}, broker::BrokerOptions engine = {},
                 runtime::Worker* by_hand = nullptr)
        : Rig(std::move(options), engine, by_hand, nullptr) {}
    /// Names are durable when `names` says so, instead of at the end of the tick.
    explicit Rig(runtime::Worker& names) : Rig({}, {}, nullptr, &names) {}
    Rig(AmqpOptions options, broker::BrokerOptions engine, runtime::Worker* by_hand, runtime::Worker* names) {
        engine.stream_segment_bytes = 16u << 20;
        engine.queue_segment_bytes = 8u << 20;
        engine.stream_tail_bytes = 32u << 20;
        engine.queue_tail_bytes = 16u << 20;
        engine.max_message_bytes = 1u << 20;
        engine.new_store_id = 1;
        auto opened = broker::Broker::open(
            files, "data", std::make_unique<store::MemoryDefinitions>(definitions), engine,
            broker::Workers(by_hand ? *by_hand : worker, names ? *names : names_worker), now());
        EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().message);
        broker = std::move(*opened);
        broker->begin_tick(now());
        auto loaded = auth::Users::load(keep, random);
        EXPECT_TRUE(loaded.ok());
        users = std::move(*loaded);
        EXPECT_TRUE(users->put_user("guest", "guest", {"administrator"}).ok());
        EXPECT_TRUE(users->put_permission("guest", "/", {".*", ".*", ".*"}).ok());
        auto made = exchange::VirtualHosts::open(*broker, {.seed = 7});
        EXPECT_TRUE(made.ok()) << (made.ok() ? "" : made.error().message);
        hosts = std::move(*made);
        gateway = std::make_unique<Gateway>(*broker, *hosts, alarms, *users, std::move(options), clock);
        tick(0);
    }

    /// Ends this tick, lets time pass, begins the next.
    void tick(std::int64_t ms = 1) {
        end_tick();
        clock.advance_ms(ms);
        broker->begin_tick(now());
        gateway->sweep();
        end_tick();
        broker->begin_tick(now());
    }
    broker::Now now() const { return {clock.wall_ms(), clock.steady_ns() / 1'000'000}; }

    env::SimFiles files{1};
    env::SimClock clock;
    runtime::InlineWorker worker, names_worker;
    std::shared_ptr<store::MemoryDefinitions::Shared> definitions =
        store::MemoryDefinitions::make_shared_state();
    env::Random random{1};
    MemoryKeep keep;
    std::unique_ptr<broker::Broker> broker;
    std::unique_ptr<auth::Users> users;
    std::unique_ptr<exchange::VirtualHosts> hosts;
    exchange::Alarms alarms;
    std::unique_ptr<Gateway> gateway;

  private:
    void end_tick() {
        hosts->before_tick_end();
        broker->end_tick();
        hosts->after_tick_end();
        gateway->after_tick();
    }
};

/// A rig with a client on an open channel 1.
class OneClient : public ::testing::Test {
  protected:
    void SetUp() override {
        client.open();
        client.open_channel(1);
    }
    /// Ticks, then what came.
    std::vector<Seen> after(std::int64_t ms = 1) {
        rig.tick(ms);
        client.flush();
        return client.take();
    }
    std::string declare(std::string_view queue, wire::TableView arguments = {}, bool durable = false,
                        bool exclusive = false) {
        client.tell(1,
                    wire::QueueDeclare{
                        .queue = queue, .durable = durable, .exclusive = exclusive, .arguments = arguments});
        if (durable) rig.tick();
        return std::string(client.one().as<wire::QueueDeclareOk>().queue);
    }
    void consume(std::string_view queue, std::string_view tag, bool no_ack = false) {
        client.tell(1, wire::BasicConsume{.queue = queue, .consumer_tag = tag, .no_ack = no_ack});
        EXPECT_EQ(client.one().code, wire::MethodCode::basic_consume_ok);
    }

    Rig rig;
    TestClient client{*rig.gateway};
};

}  // namespace posthorn::gateway::amqp
