#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "commands.h"
#include "load_stamp.h"
#include "remoting_admin.h"
#include "torture_clients.h"
#include "usage.h"
#include "victim.h"

namespace posthorn::cli {
namespace {

struct Options {
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
    std::uint64_t seed = 0;
    bool no_delays = false;
    bool keep = false;
    bool json = false;
};

void add_options(CLI::App& app, Options& options) {
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
    app.add_option("--command", options.command,
                   "another way to start a server; {data}, {namesrv}, {broker} and {vip} are replaced");
    app.add_option(
        "--directory", options.directory,
        "scratch directory, new or empty (default: ./posthorn-torture-PID, removed if all is well)");
    app.add_flag("--keep", options.keep, "keep the scratch directory");
    app.add_option("--namesrv-port", options.name_server_port)->capture_default_str();
    app.add_option("--broker-port", options.broker_port, "this one and the one two below are used")
        ->capture_default_str();
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
            " --ports-broker {{broker}} --ports-vip {{vip}} --ports-amqp 0 --ports-http-enabled off",
            options.binary);
    replace(command, "{data}", options.directory + "/data");
    replace(command, "{namesrv}", std::to_string(options.name_server_port));
    replace(command, "{broker}", std::to_string(options.broker_port));
    replace(command, "{vip}", std::to_string(options.broker_port - 2));
    return command;
}

struct RoundReport {
    TortureLedger::Verdict verdict;
    std::uint64_t invented = 0;
    std::uint64_t taken_back = 0;     ///< a consumer had seen it, and now it is gone or another one
    std::uint64_t offsets_ahead = 0;  ///< a group's committed offset lies behind the end of its queue
    double load_seconds = 0;
    double restart_seconds = 0;
    bool good() const { return verdict.good() && invented == 0 && taken_back == 0 && offsets_ahead == 0; }
};

class Torture {
  public:
    Torture(const Options& options)
        : options_(options),
          random_(options.seed),
          victim_(server_command(options), options.directory + "/server.log") {
        target_.broker = fmt::format("127.0.0.1:{}", options.broker_port);
        target_.run = random_();
        target_.topic = fmt::format("PosthornTorture_{:016X}", target_.run);
        target_.queues = options.queues;
        for (std::uint32_t index = 0; index < options.producers; ++index)
            producers_.emplace_back(target_, index, random_(), !options.no_delays);
        for (std::uint32_t index = 0; index < options.consumers; ++index)
            consumers_.emplace_back(target_, index);
    }

    Result<double> start() {
        if (auto started = victim_.start(); !started) return started.error();
        return wait_until_served();
    }

    Result<void> make_topic() {
        auto connection = RemotingConnection::open(target_.broker);
        if (!connection) return connection.error();
        return create_topic(*connection, target_.topic, target_.queues);
    }

    Result<RoundReport> round() {
        RoundReport report;
        if (auto loaded = load_and_kill(report); !loaded) return loaded.error();
        auto restarted = start();
        if (!restarted) return restarted.error();
        report.restart_seconds = *restarted;
        if (auto checked = check(report); !checked) return checked.error();
        return report;
    }

    bool stop() {
        constexpr double kSeconds = 20;
        return victim_.stop(kSeconds);
    }

    std::map<std::int32_t, std::uint64_t> refused() const {
        std::map<std::int32_t, std::uint64_t> sum;
        for (const TortureProducer& producer : producers_)
            for (const auto& [code, count] : producer.refused())
                sum[code] += count;
        return sum;
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
            auto connection = RemotingConnection::open(target_.broker);
            if (connection) {
                auto answer = call(*connection, wire::remoting::RequestCode::get_broker_runtime_info, {});
                if (answer && answer->code == 0) return static_cast<double>(steady_now() - start) * 1e-9;
                last = answer ? answer->remark : answer.error().message;
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
        return Error{Errc::io,
                     fmt::format("no answer {} s after the start: {}", options_.restart_limit, last)};
    }

    Result<void> load_and_kill(RoundReport& report) {
        std::atomic<bool> stop{false};
        std::vector<std::thread> threads;
        std::vector<Result<void>> ends(producers_.size() + consumers_.size());
        std::size_t at = 0;
        for (TortureProducer& producer : producers_)
            threads.emplace_back(
                [&, slot = at++] { ends[slot] = producer.run(stop, options_.rate / options_.producers); });
        for (TortureConsumer& consumer : consumers_)
            threads.emplace_back([&, slot = at++] { ends[slot] = consumer.run(stop); });

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

    Result<void> check(RoundReport& report) {
        for (TortureProducer& producer : producers_)
            producer.ledger().begin_reading();
        auto opened = RemotingConnection::open(target_.broker);
        if (!opened) return opened.error();
        std::vector<std::int64_t> next(target_.queues, 0);
        const std::int64_t deadline = last_due() + static_cast<std::int64_t>(options_.grace * 1e9);
        while (true) {
            if (auto read = read_all(*opened, next, report); !read) return read;
            report.verdict = verdict();
            if (report.verdict.lost == 0 || steady_now() > deadline) break;
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
        }
        return check_groups(*opened, next, report);
    }

    Result<void> read_all(RemotingConnection& connection, std::vector<std::int64_t>& next,
                          RoundReport& report) {
        for (std::uint32_t queue = 0; queue < target_.queues; ++queue) {
            auto end = max_offset(connection, target_.topic, queue);
            if (!end) return end.error();
            const auto each = [&](const wire::remoting::Message& message) { note(message, report); };
            auto read = read_queue(connection, target_, queue, next[queue], *end, {}, each);
            if (!read) return read.error();
            if (*read < *end)
                return Error{Errc::invalid, fmt::format("queue {} ends at {} but nothing is served at {}",
                                                        queue, *end, *read)};
            next[queue] = *read;
        }
        return {};
    }

    void note(const wire::remoting::Message& message, RoundReport& report) {
        const auto stamp = read_stamp(message.body);
        const std::uint64_t producer = stamp ? stamp->sequence >> kNumberBits : 0;
        const std::uint64_t number = stamp ? stamp->sequence & ((std::uint64_t{1} << kNumberBits) - 1) : 0;
        const auto queue = static_cast<std::uint32_t>(message.queue_id);
        const bool ours = stamp && stamp->run == target_.run && producer < producers_.size() &&
                          message.body_intact() &&
                          producers_[producer].ledger().found(number, queue, message.queue_offset);
        if (!ours) ++report.invented;
        const std::uint64_t sequence = stamp ? stamp->sequence : TortureConsumer::kNothing;
        for (const TortureConsumer& consumer : consumers_) {
            const auto& seen = consumer.seen()[queue];
            const auto offset = static_cast<std::size_t>(message.queue_offset);
            if (offset < seen.size() && seen[offset] != sequence) ++report.taken_back;
        }
    }

    Result<void> check_groups(RemotingConnection& connection, const std::vector<std::int64_t>& end,
                              RoundReport& report) {
        for (const TortureConsumer& consumer : consumers_)
            for (std::uint32_t queue = 0; queue < target_.queues; ++queue) {
                const auto seen = static_cast<std::int64_t>(consumer.seen()[queue].size());
                if (seen > end[queue]) report.taken_back += static_cast<std::uint64_t>(seen - end[queue]);
                auto answer = call(connection, wire::remoting::RequestCode::query_consumer_offset,
                                   {{"consumerGroup", consumer.group()},
                                    {"topic", target_.topic},
                                    {"queueId", std::to_string(queue)}});
                if (!answer) return answer.error();
                if (answer->code != 0) continue;  // nothing committed yet
                auto offset = answer->number("offset");
                if (!offset) return offset.error();
                if (*offset > end[queue]) ++report.offsets_ahead;
            }
        return {};
    }

    std::int64_t last_due() {
        std::int64_t last = 0;
        for (TortureProducer& producer : producers_)
            last = std::max(last, producer.ledger().last_due_ns());
        return last;
    }

    TortureLedger::Verdict verdict() {
        TortureLedger::Verdict sum;
        for (TortureProducer& producer : producers_)
            sum.add(producer.ledger().verdict());
        return sum;
    }

    const Options& options_;
    std::mt19937_64 random_;
    TortureTarget target_;
    std::deque<TortureProducer> producers_;
    std::deque<TortureConsumer> consumers_;
    Victim victim_;
};

void print_round(const Options& options, std::uint32_t round, const RoundReport& report) {
    const auto& verdict = report.verdict;
    if (options.json) {
        const nlohmann::json json{{"round", round},
                                  {"acknowledged", verdict.acknowledged},
                                  {"delayed", verdict.delayed},
                                  {"lost", verdict.lost},
                                  {"invented", report.invented},
                                  {"duplicated", verdict.duplicated},
                                  {"moved", verdict.moved},
                                  {"taken_back", report.taken_back},
                                  {"offsets_ahead", report.offsets_ahead},
                                  {"unanswered_but_stored", verdict.extra},
                                  {"load_seconds", report.load_seconds},
                                  {"restart_seconds", report.restart_seconds}};
        fmt::print("{}\n", json.dump());
    } else {
        fmt::print(
            "round {:3}: killed after {:5.2f} s, back in {:6.3f} s; acknowledged {} ({} delayed), lost {}, "
            "invented {},"
            " duplicated {}, moved {}, taken back {}, offsets ahead {}\n",
            round, report.load_seconds, report.restart_seconds, verdict.acknowledged, verdict.delayed,
            verdict.lost, report.invented, verdict.duplicated, verdict.moved, report.taken_back,
            report.offsets_ahead);
    }
    std::fflush(stdout);
}

/// True when no round found anything wrong.
Result<bool> run_rounds(const Options& options) {
    Torture torture(options);
    if (auto started = torture.start(); !started) return started.error();
    if (auto made = torture.make_topic(); !made) return made.error();
    bool good = true;
    for (std::uint32_t round = 1; round <= options.rounds; ++round) {
        auto report = torture.round();
        if (!report) return report.error();
        print_round(options, round, *report);
        good = good && report->good();
    }
    for (const auto& [code, count] : torture.refused())
        fmt::print(stderr, "posthorn torture: {} sends were refused with code {}\n", count, code);
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
    if (auto made = make_scratch(options); !made) {
        fmt::print(stderr, "posthorn torture: {}\n", made.error().message);
        return exit_failed;
    }
    fmt::print(stderr, "posthorn torture: seed {}, directory {}\n", options.seed, options.directory);
    auto good = run_rounds(options);
    if (!good) fmt::print(stderr, "posthorn torture: {}\n", good.error().message);
    const bool well = good.ok() && *good;
    if (well && !options.keep)
        remove_scratch(options);
    else
        fmt::print(stderr, "posthorn torture: everything is kept in {}\n", options.directory);
    return well ? exit_good : exit_failed;
}

}  // namespace posthorn::cli
