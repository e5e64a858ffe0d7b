#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "amqp_connection.h"
#include "commands.h"
#include "consume_load.h"
#include "load_measure.h"
#include "load_report.h"
#include "load_stamp.h"
#include "publish_load.h"
#include "usage.h"

namespace posthorn::cli {
namespace {

namespace amqp = wire::amqp;

struct Options {
    AmqpTarget target;
    std::string mode = "both";
    std::string name;  ///< of queues and exchange; empty: of this run alone
    std::size_t size = 16;
    std::uint32_t producers = 1;
    std::uint32_t consumers = 1;
    std::uint32_t queues = 1;
    bool fan_out = false;
    bool persistent = false;
    bool keep = false;
    std::uint32_t window = 0;
    std::uint32_t prefetch = 0;
    std::uint32_t ack_every = 0;
    double rate = 0;
    std::uint64_t messages = 0;
    std::uint64_t backlog = 0;
    double warm_up = 2;
    double seconds = 10;
    std::vector<pid_t> server;
    bool json = false;

    bool publishes() const { return mode != "consume"; }
    bool consumes() const { return mode != "publish"; }
    /// As many messages as there are or shall be, so all of them are measured.
    bool counted() const { return !publishes() || messages != 0; }
    std::uint64_t copies() const { return fan_out ? queues : 1; }
    std::string queue(std::uint32_t index) const { return fmt::format("{}.{}", name, index % queues); }
};

void add_options(CLI::App& app, Options& options) {
    app.add_option("--address", options.target.address, "server, HOST:PORT")->capture_default_str();
    app.add_option("--user", options.target.user)->capture_default_str();
    app.add_option("--password", options.target.password)->capture_default_str();
    app.add_option("--virtual-host", options.target.virtual_host)->capture_default_str();
    app.add_option("--mode", options.mode, "publish; consume what is there; or both at once")
        ->capture_default_str()
        ->check(CLI::IsMember({"publish", "consume", "both"}));
    app.add_option("--name", options.name, "of queues and exchange (default: new ones)");
    app.add_flag("--keep", options.keep, "leave queues and exchange there");
    app.add_option("--producers", options.producers, "connections that publish, in turn to the queues")
        ->capture_default_str()
        ->check(CLI::Range(1, 10'000));
    app.add_option("--consumers", options.consumers, "connections that consume, in turn from the queues")
        ->capture_default_str()
        ->check(CLI::Range(1, 10'000));
    app.add_option("--queues", options.queues)->capture_default_str()->check(CLI::Range(1, 10'000));
    app.add_flag("--fan-out", options.fan_out, "publish to a fanout exchange with all queues");
    app.add_option("--size", options.size, "bytes of a body")
        ->capture_default_str()
        ->check(CLI::Range(kShortStampSize, std::size_t{128} << 20));
    app.add_flag("--persistent", options.persistent, "persistent messages, durable queues");
    app.add_option("--window", options.window,
                   "unconfirmed messages of a connection (default: no confirms are asked for)")
        ->check(CLI::Range(1, 1'000'000));
    app.add_option("--prefetch", options.prefetch, "unacknowledged messages of a consumer; 0: any number")
        ->capture_default_str()
        ->check(CLI::Range(0, 65535));
    app.add_option("--ack-every", options.ack_every,
                   "acknowledge after so many messages; 0: automatic acknowledgement")
        ->capture_default_str();
    app.add_option("--rate", options.rate, "messages a second, all producers; 0: as many as possible")
        ->capture_default_str();
    app.add_option("--messages", options.messages, "publish so many; 0: until the time is over")
        ->capture_default_str();
    app.add_option("--backlog", options.backlog, "publish no more while so many are waiting; 0: do")
        ->capture_default_str();
    app.add_option("--warm-up", options.warm_up, "seconds of load before measuring")->capture_default_str();
    app.add_option("--seconds", options.seconds, "seconds to measure; the most, for consume")
        ->capture_default_str();
    app.add_option("--server-pid", options.server, "processes of the server, for its CPU time and memory");
    app.add_flag("--json", options.json, "print one JSON object");
}

struct Outcome {
    Measured measured;
    std::optional<PublishReport> published;
    std::optional<ConsumeReport> consumed;
    bool stalled = false;  ///< what was published did not come although there was time
};

/// The threads of one run and the clock they go by.
class Run {
  public:
    explicit Run(const Options& options) : options_(options) {}

    Result<Outcome> go() {
        if (auto ready = prepare(); !ready) return ready.error();
        std::thread publisher;
        std::thread consumer;
        if (consume_) consumer = std::thread([this] { got_ = consume_->run(), consumer_done_ = true; });
        if (publish_) publisher = std::thread([this] { sent_ = publish_->run(), publisher_done_ = true; });
        auto measured = measure(phase_, options_.counted() ? 0 : options_.warm_up, options_.seconds,
                                options_.server, [this] { return publisher_done_ || consumer_done_; });
        finish(publisher, consumer);
        const auto tidied = options_.keep ? Result<void>() : tidy();
        if (!measured) return measured.error();
        if (!sent_) return sent_.error();
        if (!got_) return got_.error();
        if (!tidied) return tidied.error();
        outcome_.measured = *measured;
        if (publish_) outcome_.published = std::move(*sent_);
        if (consume_) outcome_.consumed = std::move(*got_);
        return std::move(outcome_);
    }

  private:
    Result<void> prepare() {
        auto control = AmqpConnection::open(options_.target);
        if (!control) return control.error();
        control_.emplace(std::move(*control));
        auto waiting = declare();
        if (!waiting) return waiting.error();
        if (options_.consumes())
            if (auto ready = prepare_consume(options_.publishes() ? 0 : *waiting); !ready) return ready;
        if (options_.publishes()) return prepare_publish();
        return {};
    }

    /// Returns how many messages are waiting already.
    Result<std::uint64_t> declare() {
        amqp::ExchangeDeclare exchange;
        exchange.exchange = options_.name, exchange.type = "fanout", exchange.durable = options_.persistent;
        if (options_.fan_out)
            if (auto made = control_->call(exchange, amqp::MethodCode::exchange_declare_ok); !made)
                return made.error();
        std::uint64_t waiting = 0;
        for (std::uint32_t index = 0; index < options_.queues; ++index) {
            const std::string name = options_.queue(index);
            amqp::QueueDeclare queue;
            queue.queue = name, queue.durable = options_.persistent;
            auto made = control_->call(queue, amqp::MethodCode::queue_declare_ok);
            if (!made) return made.error();
            amqp::QueueDeclareOk there;
            if (amqp::decode(*made, there)) waiting += there.message_count;
            amqp::QueueBind bind;
            bind.queue = name, bind.exchange = options_.name;
            if (!options_.fan_out) continue;
            if (auto bound = control_->call(bind, amqp::MethodCode::queue_bind_ok); !bound)
                return bound.error();
        }
        return waiting;
    }

    Result<void> tidy() {
        for (std::uint32_t index = 0; index < options_.queues; ++index) {
            const std::string name = options_.queue(index);
            amqp::QueueDelete queue;
            queue.queue = name;
            if (auto gone = control_->call(queue, amqp::MethodCode::queue_delete_ok); !gone)
                return gone.error();
        }
        amqp::ExchangeDelete exchange;
        exchange.exchange = options_.name;
        if (options_.fan_out)
            if (auto gone = control_->call(exchange, amqp::MethodCode::exchange_delete_ok); !gone)
                return gone.error();
        return {};
    }

    Result<void> prepare_consume(std::uint64_t until) {
        ConsumeLoad::Plan plan{.ack_every = options_.ack_every, .until = until, .sets = {}};
        std::vector<AmqpConnection> connections;
        for (std::uint32_t index = 0; index < options_.consumers; ++index) {
            auto connection = AmqpConnection::open(options_.target);
            if (!connection) return connection.error();
            amqp::BasicQos qos;
            qos.prefetch_count = static_cast<std::uint16_t>(options_.prefetch);
            if (auto set = connection->call(qos, amqp::MethodCode::basic_qos_ok); !set) return set.error();
            const std::string name = options_.queue(index);
            amqp::BasicConsume consume;
            consume.queue = name, consume.consumer_tag = "bench";
            consume.no_ack = options_.ack_every == 0, consume.no_wait = true;
            connection->write(consume);
            if (auto written = connection->write_all(); !written) return written;
            connections.push_back(std::move(*connection));
            plan.sets.push_back(options_.fan_out ? index % options_.queues : 0);
        }
        consume_.emplace(std::move(plan), std::move(connections), phase_, consumed_);
        return {};
    }

    Result<void> prepare_publish() {
        PublishLoad::Plan plan{.forms = {},
                               .window = options_.window,
                               .rate = options_.rate,
                               .messages = options_.messages,
                               .backlog = options_.backlog,
                               .copies = options_.copies()};
        std::vector<AmqpConnection> connections;
        for (std::uint32_t index = 0; index < options_.producers; ++index) {
            auto connection = AmqpConnection::open(options_.target);
            if (!connection) return connection.error();
            if (options_.window != 0)
                if (auto confirms =
                        connection->call(amqp::ConfirmSelect{}, amqp::MethodCode::confirm_select_ok);
                    !confirms)
                    return confirms.error();
            plan.forms.emplace_back(
                PublishForm::Shape{.exchange = options_.fan_out ? options_.name : std::string(),
                                   .key = options_.queue(index),
                                   .body_size = options_.size,
                                   .persistent = options_.persistent,
                                   .frame_max = connection->frame_max(),
                                   .channel = AmqpConnection::kChannel});
            connections.push_back(std::move(*connection));
        }
        publish_.emplace(std::move(plan), std::move(connections), phase_, consumed_);
        return {};
    }

    void finish(std::thread& publisher, std::thread& consumer) {
        constexpr std::int64_t kDrainNs = 20'000'000'000;
        const std::int64_t deadline = steady_now() + kDrainNs;
        wait_until(deadline, [this] { return !publish_ || publisher_done_; });
        if (publish_ && consume_ && publisher_done_ && sent_.ok())
            outcome_.stalled = !all_consumed(deadline, expected(options_, *sent_));
        phase_ = LoadPhase::stop;
        if (publisher.joinable()) publisher.join();
        if (consumer.joinable()) consumer.join();
    }

    /// False when nothing came for so long that nothing will; true also when `deadline` was too early to say.
    bool all_consumed(std::int64_t deadline, std::uint64_t expected) {
        constexpr std::int64_t kStallNs = 3'000'000'000;
        std::uint64_t before = consumed_;
        while (steady_now() < deadline) {
            const auto here = [&] { return consumer_done_ || consumed_ >= expected; };
            wait_until(std::min(deadline, steady_now() + kStallNs), here);
            if (here()) return true;
            if (steady_now() >= deadline) return true;
            if (std::exchange(before, consumed_.load()) == before) return false;
        }
        return true;
    }

  public:
    /// Messages that must come to consumers.
    static std::uint64_t expected(const Options& options, const PublishReport& sent) {
        return options.copies() * (options.window == 0 ? sent.published : sent.confirmed);
    }

  private:
    const Options& options_;
    SharedPhase phase_{LoadPhase::warm_up};
    std::atomic<std::uint64_t> consumed_{0};
    std::optional<AmqpConnection> control_;
    std::optional<PublishLoad> publish_;
    std::optional<ConsumeLoad> consume_;
    Result<PublishReport> sent_ = PublishReport{};
    Result<ConsumeReport> got_ = ConsumeReport{};
    std::atomic<bool> publisher_done_{false};
    std::atomic<bool> consumer_done_{false};
    Outcome outcome_;
};

nlohmann::json published_json(const Options& options, const PublishReport& sent, double seconds) {
    nlohmann::json json{{"messages", sent.measured},
                        {"per_second", static_cast<double>(sent.measured) / seconds},
                        {"load_cpu_share", sent.cpu_seconds / seconds}};
    if (options.rate > 0) json["late_us"] = latency_json(sent.late);
    if (options.window == 0) return json;
    json["confirm_us"] = latency_json(sent.latency);
    json["refused"] = sent.refused;
    json["unanswered"] = sent.unanswered;
    return json;
}

nlohmann::json consumed_json(const ConsumeReport& got, double seconds) {
    return {{"messages", got.measured},
            {"per_second", static_cast<double>(got.measured) / seconds},
            {"redelivered", got.redelivered},
            {"end_to_end_us", latency_json(got.latency)},
            {"load_cpu_share", got.cpu_seconds / seconds}};
}

nlohmann::json report_json(const Options& options, const Outcome& outcome) {
    nlohmann::json json{{"mode", options.mode},
                        {"size", options.size},
                        {"producers", options.producers},
                        {"consumers", options.consumers},
                        {"queues", options.queues},
                        {"fan_out", options.fan_out},
                        {"persistent", options.persistent},
                        {"window", options.window},
                        {"prefetch", options.prefetch},
                        {"ack_every", options.ack_every},
                        {"seconds", outcome.measured.seconds}};
    std::uint64_t messages = 0;
    if (outcome.published) {
        json["published"] = published_json(options, *outcome.published, outcome.measured.seconds);
        messages = outcome.published->measured;
    }
    if (outcome.consumed) {
        json["consumed"] = consumed_json(*outcome.consumed, outcome.measured.seconds);
        messages = std::max(messages, outcome.consumed->measured);
    }
    if (outcome.published && outcome.consumed) {
        const std::uint64_t expected = Run::expected(options, *outcome.published);
        const std::uint64_t missing = expected - std::min(expected, outcome.consumed->once);
        json[outcome.stalled ? "lost" : "left"] = missing;
        json["twice"] = outcome.consumed->twice;
    }
    if (outcome.measured.server_after) json["server"] = server_json(outcome.measured, messages);
    return json;
}

void print_report(const nlohmann::json& json) {
    const auto rate = [](const char* what, const nlohmann::json& part) {
        fmt::print("{} {:.0f} messages/s ({}), load {:.0f} % of a core", what,
                   part["per_second"].get<double>(), part["messages"].get<std::uint64_t>(),
                   100 * part["load_cpu_share"].get<double>());
    };
    if (json.contains("published")) {
        const auto& published = json["published"];
        rate("published", published);
        if (published.contains("confirm_us")) {
            fmt::print(", refused {}, unanswered {}\n", published["refused"].get<std::uint64_t>(),
                       published["unanswered"].get<std::uint64_t>());
            print_latency("confirmed", published["confirm_us"]);
        } else {
            fmt::print("\n");
        }
        if (published.contains("late_us")) print_latency("written after it was due", published["late_us"]);
    }
    if (json.contains("consumed")) {
        rate("consumed", json["consumed"]);
        fmt::print(", redelivered {}\n", json["consumed"]["redelivered"].get<std::uint64_t>());
        print_latency("from send to consumer", json["consumed"]["end_to_end_us"]);
    }
    for (const char* const what : {"lost", "left", "twice"})
        if (json.value(what, std::uint64_t{0}) != 0)
            fmt::print("{} {}\n", what, json[what].get<std::uint64_t>());
    if (json.contains("server")) print_server(json["server"]);
}

/// False when the server broke its word: a benchmark of wrong answers is none.
bool sound(const nlohmann::json& json) {
    return json.value("lost", std::uint64_t{0}) == 0 && json.value("twice", std::uint64_t{0}) == 0;
}

}  // namespace

int run_bench_amqp(const Arguments& arguments) {
    Options options;
    CLI::App app("Loads any AMQP 0-9-1 server, RabbitMQ or this one, and measures it.",
                 "posthorn bench amqp");
    add_options(app, options);
    if (const auto ended = parse(app, arguments, "posthorn bench amqp --address 127.0.0.1:5672 --seconds 3"))
        return *ended;
    if (options.name.empty()) options.name = fmt::format("posthorn-bench-{:016x}", random_run());
    auto outcome = Run(options).go();
    if (!outcome) return fail(app, outcome.error().message);
    return end_with_report(report_json(options, *outcome), options.json, &print_report, &sound);
}

}  // namespace posthorn::cli
