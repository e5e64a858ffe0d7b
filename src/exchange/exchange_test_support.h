#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "broker/broker.h"
#include "env/clock.h"
#include "env/random.h"
#include "env/sim_files.h"
#include "exchange/virtual_host.h"
#include "runtime/worker.h"

namespace posthorn::exchange {

inline constexpr store::Format test_format{200};

/// Headers as a test gives them.
class TestHeaders final : public HeaderSource {
  public:
    TestHeaders() = default;
    explicit TestHeaders(model::Arguments all) : all_(std::move(all)) {}
    std::optional<model::Value> find(std::string_view name) const override {
        const model::Value* value = all_.find(name);
        return value ? std::optional(*value) : std::nullopt;
    }

  private:
    model::Arguments all_;
};

/// A message of the tests' own protocol: lines of exchange, key, more keys, deaths (newest first, "reason
/// queue"), time to live, delay, one header "name=value", and the body.
struct TestMessage {
    std::string exchange, key, body;
    std::vector<std::string> more_keys, deaths;
    std::string ttl, delay, header;

    static std::string join(const std::vector<std::string>& parts) {
        std::string joined;
        for (const std::string& part : parts)
            joined += part + ",";
        return joined;
    }
    static std::vector<std::string> split(const std::string& joined) {
        std::vector<std::string> parts;
        std::istringstream in(joined);
        for (std::string part; std::getline(in, part, ',');)
            parts.push_back(part);
        return parts;
    }
    std::string encode() const {
        return exchange + "\n" + key + "\n" + join(more_keys) + "\n" + join(deaths) + "\n" + ttl + "\n" +
               delay + "\n" + header + "\n" + body;
    }
    static TestMessage decode(Bytes payload) {
        std::istringstream in{std::string(as_text(payload))};
        TestMessage message;
        std::string more, deaths;
        std::getline(in, message.exchange);
        std::getline(in, message.key);
        std::getline(in, more);
        std::getline(in, deaths);
        std::getline(in, message.ttl);
        std::getline(in, message.delay);
        std::getline(in, message.header);
        std::getline(in, message.body, '\0');
        message.more_keys = split(more);
        message.deaths = split(deaths);
        return message;
    }
    std::unique_ptr<TestHeaders> headers() const {
        const std::size_t is = header.find('=');
        if (is == std::string::npos) return std::make_unique<TestHeaders>();
        return std::make_unique<TestHeaders>(
            model::Arguments{{header.substr(0, is), {header.substr(is + 1)}}});
    }
};

class TestCodec final : public PayloadCodec {
  public:
    Travelling bury(const broker::Stored& stored, const Death& death) override {
        static constexpr const char* reasons[] = {"rejected", "expired", "maxlen", "delivery_limit"};
        TestMessage message = TestMessage::decode(stored.payload);
        message.exchange = death.new_exchange;
        if (death.new_key) {
            message.key = *death.new_key;
            message.more_keys.clear();
        }
        message.ttl.clear();
        message.deaths.insert(message.deaths.begin(), std::string(reasons[static_cast<int>(death.reason)]) +
                                                          " " + std::string(death.queue));
        Travelling travelling = open(message);
        if (death.reason != DeathReason::rejected)
            for (const std::string& one : message.deaths) {
                const std::size_t space = one.find(' ');
                if (one.substr(0, space) == "rejected") break;
                travelling.closed_circle.push_back(one.substr(space + 1));
            }
        return travelling;
    }
    Travelling open(const broker::Stored& stored) override {
        return open(TestMessage::decode(stored.payload));
    }

  private:
    static Travelling open(const TestMessage& message) {
        Travelling travelling;
        travelling.exchange = message.exchange;
        travelling.key = message.key;
        travelling.more_keys = message.more_keys;
        if (!message.ttl.empty()) travelling.ttl_ms = std::stoll(message.ttl);
        if (!message.delay.empty()) travelling.delay_ms = std::stoll(message.delay);
        travelling.body_bytes = static_cast<std::uint32_t>(message.body.size());
        travelling.payload.append(message.encode());
        travelling.headers = message.headers();
        return travelling;
    }
};

/// Keeps what it is handed; with a window it takes no more than that unsettled.
class TestConsumer final : public Consumer {
  public:
    struct Held {
        Queue* queue;
        DeliveryId id;
        std::string body;
        bool redelivered;
    };

    explicit TestConsumer(Options options = {}, std::uint32_t the_window = UINT32_MAX)
        : Consumer(std::move(options)), window(the_window) {}

    std::uint32_t room() const override {
        return closed ? 0 : window - std::min<std::uint32_t>(window, static_cast<std::uint32_t>(held.size()));
    }
    void deliver(Queue& queue, const broker::Stored& message, const Delivery& delivery) override {
        const TestMessage decoded = TestMessage::decode(message.payload);
        bodies.push_back(decoded.body);
        deaths = decoded.deaths;
        last = decoded;
        if (!options().settles_at_once)
            held.push_back({&queue, delivery.id, decoded.body, delivery.redelivered});
    }
    void cancelled() override { was_cancelled = true; }

    std::uint32_t window;
    bool closed = false, was_cancelled = false;
    std::deque<Held> held;
    std::vector<std::string> bodies, deaths;
    TestMessage last;
};

/// A machine with one broker and its virtual hosts; disk, worker and clock move when told.
class Station {
  public:
    explicit Station(broker::BrokerOptions given = {}, VirtualHosts::Options given_hosts = {.seed = 7})
        : Station(given, given_hosts, nullptr) {}
    /// Names are durable when `names` says so, instead of at the end of the tick.
    explicit Station(runtime::SimWorker& names) : Station({}, {.seed = 7}, &names) {}
    Station(broker::BrokerOptions given, VirtualHosts::Options given_hosts, runtime::SimWorker* names)
        : options(given), host_options(given_hosts), slow_names(names) {
        options.stream_segment_bytes = options.queue_segment_bytes = 1 << 20;
        options.stream_tail_bytes = options.queue_tail_bytes = 1 << 19;
        options.cold_bytes = 1 << 19;
        options.max_message_bytes = 16 << 10;
        options.new_store_id = 42;
        open();
    }
    ~Station() {
        hosts.reset();
        worker->drop_all();
        if (slow_names) slow_names->drop_all();
    }

    void open() {
        auto opened = broker::Broker::open(
            files, "data", std::make_unique<store::MemoryDefinitions>(definitions), options,
            slow_names ? broker::Workers(*worker, *slow_names) : broker::Workers(*worker, names_worker),
            now());
        POSTHORN_CHECK(opened.ok(), opened.ok() ? "" : opened.error().message);
        broker = std::move(*opened);
        broker->begin_tick(now());
        auto made = VirtualHosts::open(*broker, host_options);
        POSTHORN_CHECK(made.ok(), made.ok() ? "" : made.error().message);
        hosts = std::move(*made);
        if (with_codec) hosts->set_codec(test_format, codec);
        host = hosts->find("/");
    }
    void kill() {
        end([this] { files.kill(); });
    }
    void cut_power() {
        end([this] { files.power_cut(random); });
    }
    /// Until nothing is left to do at once; then `ms` pass.
    void tick(std::int64_t ms = 0) {
        one_tick(ms);
        for (int n = 0; n < 100 && hosts->work_left(); ++n)
            one_tick(0);
    }
    void one_tick(std::int64_t ms) {
        hosts->before_tick_end();
        broker->end_tick();
        hosts->after_tick_end();
        clock.advance_ms(ms);
        broker->begin_tick(now());
    }
    /// As long as things happen by themselves until then.
    void wait(std::int64_t ms) {
        const std::int64_t end = now().steady_ms + ms;
        tick();
        while (now().steady_ms < end) {
            const std::int64_t next = std::min({end, broker->next_tick_ms(), hosts->next_deadline_ms()});
            tick(std::max<std::int64_t>(next - now().steady_ms, 1));
            tick();
        }
    }
    /// Whatever is written is synced afterwards.
    void sync() {
        for (int n = 0; n < 4; ++n) {
            tick(options.sync_interval_ms);
            worker->run_all();
        }
        tick();
    }
    broker::Now now() const { return {clock.wall_ms(), clock.steady_ns() / 1'000'000}; }

    // --- shorthand -----------------------------------------------------------------------------------------
    Queue& queue(const std::string& name, model::Arguments arguments = {}, bool durable = true) {
        QueueSpec spec;
        spec.name = name;
        spec.durable = durable;
        spec.arguments = std::move(arguments);
        auto made = host->declare_queue(spec);
        POSTHORN_CHECK(made.ok(), made.ok() ? "" : made.error().message);
        return **made;
    }
    void exchange(const std::string& name, const std::string& type, model::Arguments arguments = {}) {
        ExchangeSpec spec;
        spec.name = name;
        spec.type = type;
        spec.durable = true;
        spec.arguments = std::move(arguments);
        const auto made = host->declare_exchange(spec);
        POSTHORN_CHECK(made.ok(), made.ok() ? "" : made.error().message);
    }
    void bind(const std::string& source, const std::string& queue, const std::string& key = "",
              model::Arguments arguments = {}) {
        const auto bound = host->bind({source, DestinationKind::queue, queue, key, std::move(arguments)}, 0);
        POSTHORN_CHECK(bound.ok(), bound.ok() ? "" : bound.error().message);
    }

    struct Send {
        std::string exchange{}, key{}, body{};
        bool persistent = true;
        std::uint8_t priority = 0;
        std::optional<std::int64_t> ttl_ms{};
        std::int64_t delay_ms = 0;
        std::vector<std::string> more_keys{};
        std::string header{};
    };
    Result<Published> try_send(const Send& send) {
        TestMessage message;
        message.exchange = send.exchange;
        message.key = send.key;
        message.body = send.body;
        message.more_keys = send.more_keys;
        message.header = send.header;
        if (send.ttl_ms) message.ttl = std::to_string(*send.ttl_ms);
        if (send.delay_ms) message.delay = std::to_string(send.delay_ms);
        const std::string payload = message.encode();
        const std::vector<std::string_view> more(send.more_keys.begin(), send.more_keys.end());
        const auto headers = message.headers();
        Publication publication;
        publication.exchange = send.exchange;
        publication.key = send.key;
        publication.more_keys = more;
        publication.headers = headers.get();
        publication.format = test_format;
        publication.persistent = send.persistent;
        publication.priority = send.priority;
        publication.ttl_ms = send.ttl_ms;
        publication.delay_ms = send.delay_ms;
        publication.body_bytes = static_cast<std::uint32_t>(send.body.size());
        publication.payload = as_bytes(payload);
        return host->publish(publication);
    }
    Published send(const Send& message) {
        auto published = try_send(message);
        EXPECT_TRUE(published.ok()) << published.error().message;
        return published.ok() ? *published : Published{};
    }
    /// To a queue by its name.
    Published send(const std::string& queue, const std::string& body) { return send({"", queue, body}); }

    /// Takes everything off the queue, one by one.
    std::vector<std::string> drain(const std::string& name) {
        std::vector<std::string> bodies;
        Queue* queue = host->queue(name);
        if (!queue) return {"no queue"};
        for (int later = 0; later < 3;) {
            auto got = host->get(*queue, true, [&](const broker::Stored& message, const Delivery&) {
                bodies.push_back(TestMessage::decode(message.payload).body);
            });
            EXPECT_TRUE(got.ok());
            if (!got || *got == VirtualHost::Got::empty) break;
            if (*got == VirtualHost::Got::later) {
                ++later;
                tick();
                worker->run_all();
                tick();
            }
        }
        return bodies;
    }

    broker::BrokerOptions options;
    VirtualHosts::Options host_options;
    env::SimFiles files{7};
    env::SimClock clock;
    env::Random random{7};
    std::unique_ptr<runtime::SimWorker> worker = std::make_unique<runtime::SimWorker>();
    runtime::InlineWorker names_worker;
    runtime::SimWorker* slow_names;
    std::shared_ptr<store::MemoryDefinitions::Shared> definitions =
        store::MemoryDefinitions::make_shared_state();
    TestCodec codec;
    bool with_codec = true;  ///< without: as if the gateway that wrote the messages were not there
    std::unique_ptr<broker::Broker> broker;
    std::unique_ptr<VirtualHosts> hosts;
    VirtualHost* host = nullptr;

  private:
    template <class How>
    void end(How&& how) {
        worker->drop_all();
        if (slow_names) slow_names->drop_all();
        how();
        hosts.reset();
        broker.reset();
        worker = std::make_unique<runtime::SimWorker>();
        open();
    }
};

using Bodies = std::vector<std::string>;

}  // namespace posthorn::exchange
