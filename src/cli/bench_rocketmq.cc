#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "commands.h"
#include "load_measure.h"
#include "load_report.h"
#include "pull_load.h"
#include "remoting_admin.h"
#include "send_load.h"
#include "usage.h"

namespace posthorn::cli {
namespace {

using wire::remoting::Encoding;

struct Options {
    std::string name_server = "127.0.0.1:9876";
    std::string broker;  ///< empty: the name server says
    std::string topic = "PosthornBench";
    std::string header = "json";
    std::string mode = "send";
    std::size_t size = 128;
    std::uint32_t in_flight = 64;
    std::uint32_t connections = 1;
    std::uint32_t queues = 8;
    std::uint32_t batch = 32;
    double warm_up = 2;
    double seconds = 10;
    std::vector<pid_t> server;
    bool json = false;

    bool sends() const { return mode != "consume"; }
    bool pulls() const { return mode != "send"; }
    Encoding encoding() const { return header == "binary" ? Encoding::binary : Encoding::json; }
};

struct Outcome {
    Measured measured;
    std::optional<SendReport> sent;
    std::optional<PullReport> pulled;
};

void add_options(CLI::App& app, Options& options) {
    app.add_option("--namesrv", options.name_server, "name server, HOST:PORT")->capture_default_str();
    app.add_option("--broker", options.broker, "broker, HOST:PORT (default: asked of the name server)");
    app.add_option("--topic", options.topic, "topic; created when it is not there")->capture_default_str();
    app.add_option("--queues", options.queues, "queues of the topic")
        ->capture_default_str()
        ->check(CLI::Range(1, 1024));
    app.add_option("--mode", options.mode, "send; consume what is there, from the oldest; or both at once")
        ->capture_default_str()
        ->check(CLI::IsMember({"send", "consume", "both"}));
    app.add_option("--size", options.size, "bytes of a body")
        ->capture_default_str()
        ->check(CLI::Range(1, 4194304));
    app.add_option("--in-flight", options.in_flight, "sends open at a time, over all connections")
        ->capture_default_str()
        ->check(CLI::Range(1, 1'000'000));
    app.add_option("--connections", options.connections, "connections that send")
        ->capture_default_str()
        ->check(CLI::Range(1, 10'000));
    app.add_option("--batch", options.batch, "messages asked for by one pull")->capture_default_str();
    app.add_option("--header", options.header, "how headers are written")
        ->capture_default_str()
        ->check(CLI::IsMember({"json", "binary"}));
    app.add_option("--warm-up", options.warm_up, "seconds of load before measuring")->capture_default_str();
    app.add_option("--seconds", options.seconds, "seconds to measure; the most, for consume")
        ->capture_default_str();
    app.add_option("--server-pid", options.server, "processes of the server, for its CPU time and memory");
    app.add_flag("--json", options.json, "print one JSON object");
}

Result<std::vector<RemotingConnection>> connect(const std::string& broker, std::uint32_t count) {
    std::vector<RemotingConnection> connections;
    for (std::uint32_t index = 0; index < count; ++index) {
        auto connection = RemotingConnection::open(broker);
        if (!connection) return connection.error();
        connections.push_back(std::move(*connection));
    }
    return connections;
}

/// Offsets of all queues by `ask` (min_offset or max_offset); 0 for queues the server does not know.
template <class Ask>
Result<std::vector<std::int64_t>> offsets(RemotingConnection& broker, const Options& options, Ask ask) {
    std::vector<std::int64_t> found;
    for (std::uint32_t queue = 0; queue < options.queues; ++queue) {
        auto offset = ask(broker, options.topic, queue);
        if (!offset) return offset.error();
        found.push_back(*offset);
    }
    return found;
}

/// The threads of one run and the clock they go by.
class Run {
  public:
    Run(const Options& options, std::string broker) : options_(options), broker_(std::move(broker)) {}

    Result<Outcome> go() {
        if (auto ready = prepare(); !ready) return ready.error();
        std::thread sender;
        std::thread puller;
        if (send_) sender = std::thread([this] { sent_ = send_->run(), sender_done_ = true; });
        if (pull_) puller = std::thread([this] { pulled_ = pull_->run(), puller_done_ = true; });
        auto measured = measure(phase_, options_.sends() ? options_.warm_up : 0, options_.seconds,
                                options_.server, [this] { return sender_done_ || puller_done_; });
        finish(sender, puller);
        if (!measured) return measured.error();
        outcome_.measured = *measured;
        return collect();
    }

  private:
    Result<void> prepare() {
        auto control = RemotingConnection::open(broker_);
        if (!control) return control.error();
        if (options_.sends())
            if (auto made = create_topic(*control, options_.topic, options_.queues); !made) return made;
        if (options_.pulls())
            if (auto ready = prepare_pull(*control); !ready) return ready;
        if (!options_.sends()) return {};
        frames_.emplace(SendFrame::Shape{.topic = options_.topic,
                                         .encoding = options_.encoding(),
                                         .body_size = options_.size,
                                         .queues = options_.queues,
                                         .extra_properties = {}});
        auto connections = connect(broker_, options_.connections);
        if (!connections) return connections.error();
        send_.emplace(*frames_, options_.queues, run_, options_.in_flight, std::move(*connections), phase_);
        return {};
    }

    Result<void> prepare_pull(RemotingConnection& control) {
        PullLoad::Plan plan{.topic = options_.topic,
                            .encoding = options_.encoding(),
                            .batch = options_.batch,
                            .run = run_,
                            .from = {},
                            .until = {}};
        const auto first = options_.sends() ? max_offset : min_offset;
        auto from = offsets(control, options_, first);
        if (!from) return from.error();
        plan.from = std::move(*from);
        if (!options_.sends()) {
            auto until = offsets(control, options_, max_offset);
            if (!until) return until.error();
            plan.until = std::move(*until);
        }
        auto connection = RemotingConnection::open(broker_);
        if (!connection) return connection.error();
        pull_.emplace(std::move(plan), std::move(*connection), phase_);
        return {};
    }

    void finish(std::thread& sender, std::thread& puller) {
        constexpr double kDrainSeconds = 10;
        const std::int64_t deadline = steady_now() + static_cast<std::int64_t>(kDrainSeconds * 1e9);
        wait_until(deadline, [this] { return !send_ || sender_done_; });
        if (send_ && pull_ && sender_done_ && sent_.ok())
            wait_until(deadline, [this] {
                return puller_done_ || pull_->received_of_this_run() >= sent_->acknowledged;
            });
        phase_ = LoadPhase::stop;
        if (sender.joinable()) sender.join();
        if (puller.joinable()) puller.join();
    }

    Result<Outcome> collect() {
        if (send_ && !sent_) return sent_.error();
        if (pull_ && !pulled_) return pulled_.error();
        if (send_) outcome_.sent = std::move(*sent_);
        if (pull_) outcome_.pulled = std::move(*pulled_);
        return std::move(outcome_);
    }

    const Options& options_;
    std::string broker_;
    const std::uint64_t run_ = random_run();
    SharedPhase phase_{LoadPhase::warm_up};
    std::optional<SendFrame> frames_;
    std::optional<SendLoad> send_;
    std::optional<PullLoad> pull_;
    Result<SendReport> sent_ = SendReport{};
    Result<PullReport> pulled_ = PullReport{};
    std::atomic<bool> sender_done_{false};
    std::atomic<bool> puller_done_{false};
    Outcome outcome_;
};

nlohmann::json refusals(const std::map<std::int32_t, std::uint64_t>& refused) {
    auto json = nlohmann::json::object();
    for (const auto& [code, count] : refused)
        json[std::to_string(code)] = count;
    return json;
}

nlohmann::json sent_json(const SendReport& sent, double seconds) {
    return {{"messages", sent.measured},
            {"per_second", static_cast<double>(sent.measured) / seconds},
            {"latency_us", latency_json(sent.latency)},
            {"acknowledged", sent.acknowledged},
            {"refused", refusals(sent.refused)},
            {"unanswered", sent.unanswered},
            {"load_cpu_share", sent.cpu_seconds / seconds}};
}

nlohmann::json pulled_json(const PullReport& pulled, double seconds, bool tail) {
    nlohmann::json json{
        {"messages", pulled.measured},
        {"per_second", static_cast<double>(pulled.measured) / seconds},
        {"body_bytes", pulled.received_bytes},
        {"messages_per_answer",
         pulled.answers == 0 ? 0
                             : static_cast<double>(pulled.received) / static_cast<double>(pulled.answers)},
        {"gaps", pulled.gaps},
        {"repeats", pulled.repeats},
        {"refused", refusals(pulled.refused)},
        {"load_cpu_share", pulled.cpu_seconds / seconds}};
    if (tail) json["end_to_end_us"] = latency_json(pulled.latency);
    if (tail) json["twice"] = pulled.twice;
    return json;
}

nlohmann::json report_json(const Options& options, const Outcome& outcome) {
    nlohmann::json json{{"mode", options.mode},
                        {"size", options.size},
                        {"in_flight", options.in_flight},
                        {"connections", options.connections},
                        {"queues", options.queues},
                        {"header", options.header},
                        {"seconds", outcome.measured.seconds}};
    if (outcome.sent) json["sent"] = sent_json(*outcome.sent, outcome.measured.seconds);
    if (outcome.pulled)
        json["pulled"] = pulled_json(*outcome.pulled, outcome.measured.seconds, options.sends());
    if (outcome.sent && outcome.pulled) {
        const auto lost = static_cast<std::int64_t>(outcome.sent->acknowledged - outcome.pulled->of_this_run);
        json["lost"] = std::max<std::int64_t>(lost, 0);
    }
    if (outcome.measured.server_after)
        json["server"] =
            server_json(outcome.measured, outcome.sent ? outcome.sent->measured : outcome.pulled->measured);
    return json;
}

/// "0", or the answers by code: "12 (code 14), 3 (code 2)".
std::string refused_text(const nlohmann::json& refused) {
    std::string text;
    for (const auto& [code, count] : refused.items())
        text += fmt::format("{}{} (code {})", text.empty() ? "" : ", ", count.get<std::uint64_t>(), code);
    return text.empty() ? "0" : text;
}

void print_report(const nlohmann::json& json) {
    if (json.contains("sent")) {
        const auto& sent = json["sent"];
        fmt::print(
            "sent {:.0f} messages/s ({} in {:.1f} s), refused {}, unanswered {}, load {:.0f} % of a core\n",
            sent["per_second"].get<double>(), sent["messages"].get<std::uint64_t>(),
            json["seconds"].get<double>(), refused_text(sent["refused"]),
            sent["unanswered"].get<std::uint64_t>(), 100 * sent["load_cpu_share"].get<double>());
        print_latency("acknowledged", sent["latency_us"]);
    }
    if (json.contains("pulled")) {
        const auto& pulled = json["pulled"];
        fmt::print(
            "pulled {:.0f} messages/s ({} messages, {:.1f} an answer), gaps {}, repeats {}, refused {}, load "
            "{:.0f} % of a core\n",
            pulled["per_second"].get<double>(), pulled["messages"].get<std::uint64_t>(),
            pulled["messages_per_answer"].get<double>(), pulled["gaps"].get<std::uint64_t>(),
            pulled["repeats"].get<std::uint64_t>(), refused_text(pulled["refused"]),
            100 * pulled["load_cpu_share"].get<double>());
        if (pulled.contains("end_to_end_us")) print_latency("from send to consumer", pulled["end_to_end_us"]);
    }
    if (json.contains("lost"))
        fmt::print("lost {}, twice {}\n", json["lost"].get<std::int64_t>(),
                   json["pulled"]["twice"].get<std::uint64_t>());
    if (json.contains("server")) print_server(json["server"]);
}

/// False when the server broke its word: a benchmark of wrong answers is none.
bool sound(const nlohmann::json& json) {
    if (json.value("lost", std::int64_t{0}) != 0) return false;
    if (!json.contains("pulled")) return true;
    const auto& pulled = json["pulled"];
    return pulled["gaps"] == 0 && pulled["repeats"] == 0 && pulled.value("twice", std::uint64_t{0}) == 0;
}

}  // namespace

int run_bench_rocketmq(const Arguments& arguments) {
    Options options;
    CLI::App app("Loads any RocketMQ 4.x/5.x broker, Apache's or this one, and measures it.",
                 "posthorn bench rocketmq");
    add_options(app, options);
    if (const auto ended =
            parse(app, arguments, "posthorn bench rocketmq --namesrv 127.0.0.1:9876 --seconds 3"))
        return *ended;
    if (options.broker.empty()) {
        auto broker = find_broker(options.name_server, options.topic);
        if (!broker)
            return fail(app,
                        fmt::format("the name server {} names no broker: {}\n  'posthorn serve' starts one; "
                                    "--namesrv HOST:PORT names another",
                                    options.name_server, broker.error().message));
        options.broker = *broker;
    }
    auto outcome = Run(options, options.broker).go();
    if (!outcome) return fail(app, outcome.error().message);
    return end_with_report(report_json(options, *outcome), options.json, &print_report, &sound);
}

}  // namespace posthorn::cli
