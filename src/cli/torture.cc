#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "amqp_torture.h"
#include "commands.h"
#include "remoting_torture.h"
#include "tcp_link.h"
#include "torture_side.h"
#include "usage.h"
#include "victim.h"

namespace posthorn::cli {
namespace {

struct Options {
    std::string protocol = "remoting";
    std::string binary;   ///< empty: this program
    std::string command;  ///< empty: how `binary` is started
    std::string directory;
    std::uint32_t rounds = 10;
    double seconds = 5;
    std::uint32_t producers = 8;
    std::uint32_t consumers = 2;
    std::uint32_t queues = 4;
    double rate = 20'000;
    double restart_limit = 60;
    double grace = 5;
    std::uint16_t name_server_port = 29876;
    std::uint16_t broker_port = 30911;
    std::uint16_t amqp_port = 30672;
    std::uint64_t seed = 0;
    bool no_delays = false;
    bool keep = false;
    bool json = false;
};

void add_options(CLI::App& app, Options& options) {
    app.add_option("--protocol", options.protocol, "whose clients: RocketMQ's or RabbitMQ's")
        ->capture_default_str()
        ->check(CLI::IsMember({"remoting", "amqp"}));
    app.add_option("--rounds", options.rounds, "how often the server is killed")->capture_default_str();
    app.add_option("--seconds-per-round", options.seconds, "most seconds of load before the kill")
        ->capture_default_str();
    app.add_option("--producers", options.producers)->capture_default_str()->check(CLI::Range(1, 1000));
    app.add_option("--consumers", options.consumers)->capture_default_str()->check(CLI::Range(0, 100));
    app.add_option("--queues", options.queues)->capture_default_str()->check(CLI::Range(1, 64));
    app.add_option("--rate", options.rate, "messages per second, all producers")->capture_default_str();
    app.add_flag("--no-delays", options.no_delays, "send no delayed messages");
    app.add_option("--seed", options.seed, "decides the load and the moments of death (default: random)");
    app.add_option("--binary", options.binary, "the program to torture (default: this one)");
    app.add_option(
        "--command", options.command,
        "another way to start a server; {data}, {namesrv}, {broker}, {vip} and {amqp} are replaced");
    app.add_option(
        "--directory", options.directory,
        "scratch directory, new or empty (default: ./posthorn-torture-PID, removed if all is well)");
    app.add_flag("--keep", options.keep, "keep the scratch directory");
    app.add_option("--namesrv-port", options.name_server_port)->capture_default_str();
    app.add_option("--broker-port", options.broker_port, "this one and the one two below are used")
        ->capture_default_str();
    app.add_option("--amqp-port", options.amqp_port)->capture_default_str();
    app.add_option("--restart-limit", options.restart_limit, "seconds a start may take")
        ->capture_default_str();
    app.add_option("--grace", options.grace, "seconds a delayed message may be late")->capture_default_str();
    app.add_flag("--json", options.json, "print one JSON object per round");
}

void replace(std::string& text, std::string_view what, const std::string& by) {
    for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
        text.replace(at, what.size(), by);
}

/// The one place that knows how the server is started.
std::string server_command(const Options& options) {
    std::string command = options.command;
    if (command.empty())
        command = fmt::format(
            "'{}' serve --data-directory '{{data}}' --ports-name-service {{namesrv}}"
            " --ports-broker {{broker}} --ports-vip {{vip}} --ports-amqp {{amqp}} --ports-http-enabled off",
            options.binary);
    replace(command, "{data}", options.directory + "/data");
    replace(command, "{namesrv}", std::to_string(options.name_server_port));
    replace(command, "{broker}", std::to_string(options.broker_port));
    replace(command, "{amqp}", std::to_string(options.protocol == "amqp" ? options.amqp_port : 0));
    replace(command, "{vip}", std::to_string(options.broker_port - 2));
    return command;
}

std::unique_ptr<TortureSide> make_side(const Options& options, std::mt19937_64& random) {
    if (options.protocol == "amqp")
        return std::make_unique<AmqpTorture>(
            AmqpTorture::Plan{.address = fmt::format("127.0.0.1:{}", options.amqp_port),
                              .producers = options.producers,
                              .consumers = options.consumers,
                              .queues = options.queues,
                              .rate = options.rate},
            random);
    return std::make_unique<RemotingTorture>(
        RemotingTorture::Plan{.broker = fmt::format("127.0.0.1:{}", options.broker_port),
                              .producers = options.producers,
                              .consumers = options.consumers,
                              .queues = options.queues,
                              .rate = options.rate,
                              .grace = options.grace,
                              .delays = !options.no_delays},
        random);
}

struct RoundReport {
    TortureFindings findings;
    double load_seconds = 0;
    double restart_seconds = 0;
};

class Torture {
  public:
    explicit Torture(const Options& options)
        : options_(options),
          random_(options.seed),
          side_(make_side(options, random_)),
          victim_(server_command(options), options.directory + "/server.log") {}

    Result<double> start() {
        if (auto started = victim_.start(); !started) return started.error();
        return wait_until_served();
    }

    TortureSide& side() { return *side_; }

    Result<RoundReport> round() {
        RoundReport report;
        if (auto loaded = load_and_kill(report); !loaded) return loaded.error();
        auto restarted = start();
        if (!restarted) return restarted.error();
        report.restart_seconds = *restarted;
        auto findings = side_->check();
        if (!findings) return findings.error();
        report.findings = *findings;
        return report;
    }

    bool stop() {
        constexpr double kSeconds = 20;
        return victim_.stop(kSeconds);
    }

  private:
    /// From the start of the process to the first answered question.
    Result<double> wait_until_served() {
        const std::int64_t start = steady_now();
        std::string last = "nothing listens";
        while (static_cast<double>(steady_now() - start) * 1e-9 < options_.restart_limit) {
            if (!victim_.running())
                return Error{Errc::io, fmt::format("the server ended by itself; see {}/server.log",
                                                   options_.directory)};
            const auto answer = side_->ask();
            if (answer) return static_cast<double>(steady_now() - start) * 1e-9;
            last = answer.error().message;
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        return Error{Errc::io,
                     fmt::format("no answer {} s after the start: {}", options_.restart_limit, last)};
    }

    Result<void> load_and_kill(RoundReport& report) {
        std::atomic<bool> stop{false};
        std::vector<std::thread> threads;
        const std::vector<TortureSide::Client> clients = side_->clients();
        std::vector<Result<void>> ends(clients.size());
        for (std::size_t at = 0; at < clients.size(); ++at)
            threads.emplace_back([&, at] { ends[at] = clients[at](stop); });

        constexpr double kShortest = 0.05;
        report.load_seconds =
            std::uniform_real_distribution<double>(kShortest, std::max(kShortest, options_.seconds))(random_);
        std::this_thread::sleep_for(std::chrono::duration<double>(report.load_seconds));
        const bool alive = victim_.running();
        victim_.kill_hard();
        stop = true;
        for (std::thread& thread : threads)
            thread.join();
        if (!alive)
            return Error{Errc::io, fmt::format("the server died before it was killed; see {}/server.log",
                                               options_.directory)};
        for (const auto& end : ends)
            if (!end) return end;
        return {};
    }

    const Options& options_;
    std::mt19937_64 random_;
    std::unique_ptr<TortureSide> side_;
    Victim victim_;
};

void print_round(const Options& options, std::uint32_t round, const RoundReport& report) {
    const TortureFindings& findings = report.findings;
    const auto& verdict = findings.verdict;
    if (options.json) {
        const nlohmann::json json{{"round", round},
                                  {"acknowledged", verdict.acknowledged},
                                  {"delayed", verdict.delayed},
                                  {"lost", verdict.lost},
                                  {"invented", findings.invented},
                                  {"duplicated", verdict.duplicated},
                                  {"moved", verdict.moved},
                                  {"taken_back", findings.taken_back},
                                  {"offsets_ahead", findings.offsets_ahead},
                                  {"again", findings.again},
                                  {"unanswered_but_stored", verdict.extra},
                                  {"load_seconds", report.load_seconds},
                                  {"restart_seconds", report.restart_seconds}};
        fmt::print("{}\n", json.dump());
    } else {
        fmt::print(
            "round {:3}: killed after {:5.2f} s, back in {:6.3f} s; acknowledged {} ({} delayed), lost {}, "
            "invented {},"
            " duplicated {}, moved {}, taken back {}, offsets ahead {}, again and said so {}\n",
            round, report.load_seconds, report.restart_seconds, verdict.acknowledged, verdict.delayed,
            verdict.lost, findings.invented, verdict.duplicated, verdict.moved, findings.taken_back,
            findings.offsets_ahead, findings.again);
    }
    std::fflush(stdout);
}

/// True when no round found anything wrong.
Result<bool> run_rounds(const Options& options) {
    Torture torture(options);
    if (auto started = torture.start(); !started) return started.error();
    if (auto made = torture.side().prepare(); !made) return made.error();
    bool good = true;
    for (std::uint32_t round = 1; round <= options.rounds; ++round) {
        auto report = torture.round();
        if (!report) return report.error();
        print_round(options, round, *report);
        good = good && report->findings.good();
    }
    for (const std::string& line : torture.side().refusals())
        fmt::print(stderr, "posthorn torture: {}\n", line);
    if (!torture.stop()) {
        fmt::print(stderr, "posthorn torture: the server did not end well when asked to\n");
        good = false;
    }
    return good;
}

Result<void> make_scratch(Options& options) {
    namespace fs = std::filesystem;
    if (options.directory.empty()) options.directory = fmt::format("posthorn-torture-{}", getpid());
    options.directory = fs::absolute(options.directory).string();
    std::error_code trouble;
    fs::create_directories(options.directory, trouble);
    if (trouble) return Error{Errc::io, fmt::format("{}: {}", options.directory, trouble.message())};
    if (!fs::is_empty(options.directory, trouble) || trouble)
        return Error{Errc::exists, fmt::format("{} is not empty: --directory names a new or an empty one",
                                               options.directory)};
    fs::create_directory(options.directory + "/data", trouble);
    if (trouble) return Error{Errc::io, fmt::format("{}/data: {}", options.directory, trouble.message())};
    return {};
}

/// Only what a run makes there.
void remove_scratch(const Options& options) {
    namespace fs = std::filesystem;
    std::error_code ignored;
    fs::remove_all(options.directory + "/data", ignored);
    fs::remove(options.directory + "/server.log", ignored);
    fs::remove(options.directory, ignored);
}

}  // namespace

int run_torture(const Arguments& arguments) {
    Options options;
    CLI::App app("Kills the real server under load, again and again, and checks that it kept its word.",
                 "posthorn torture");
    add_options(app, options);
    if (const auto ended = parse(app, arguments, "posthorn torture --rounds 4 --seconds-per-round 6"))
        return *ended;
    if (options.binary.empty()) options.binary = std::filesystem::read_symlink("/proc/self/exe").string();
    if (options.seed == 0) options.seed = std::random_device()();
    if (auto made = make_scratch(options); !made) return fail(app, made.error().message);
    fmt::print(stderr, "posthorn torture: seed {}, directory {}\n", options.seed, options.directory);
    auto good = run_rounds(options);
    if (!good) fail(app, good.error().message);
    const bool well = good.ok() && *good;
    if (well && !options.keep)
        remove_scratch(options);
    else
        fmt::print(stderr, "posthorn torture: everything is kept in {}\n", options.directory);
    return well ? exit_good : exit_failed;
}

}  // namespace posthorn::cli
