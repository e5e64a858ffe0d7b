// What ten million messages that wait for tomorrow cost: memory, adding them, waiting, and starting with
// them.
//
//     bench_timers [directory [messages [hours]]]   a directory on the disk to measure; made, and left empty
//
// Time is simulated: the messages are due evenly over so many hours, and ten minutes of them pass.

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "base/log.h"
#include "broker/broker.h"
#include "env/posix_files.h"
#include "measure.h"
#include "runtime/worker.h"

namespace {

using namespace posthorn;

double resident_mb() {
    std::ifstream statm("/proc/self/statm");
    double total = 0, resident = 0;
    statm >> total >> resident;
    return resident * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1e6;
}

double cpu_ms() {
    return bench::cpu_ns() / 1e6;
}

class Machine {
  public:
    explicit Machine(const std::string& directory) : files_(directory) {}

    void open() {
        broker::BrokerOptions options;
        options.disk_refuse_ratio = options.disk_force_ratio = 1;
        auto opened =
            broker::Broker::open(files_, "", std::make_unique<store::MemoryDefinitions>(definitions_),
                                 options, broker::Workers(worker_, names_), now_);
        POSTHORN_CHECK(opened.ok(), "open");
        engine = std::move(*opened);
        engine->begin_tick(now_);
    }
    void close() {
        POSTHORN_CHECK(engine->close().ok(), "close");
        engine.reset();
    }
    void tick(std::int64_t ms) {
        engine->end_tick();
        now_.wall_ms += ms;
        now_.steady_ms += ms;
        engine->begin_tick(now_);
    }
    const broker::Now& now() const { return now_; }

    std::unique_ptr<broker::Broker> engine;

  private:
    env::PosixFiles files_;
    runtime::InlineWorker worker_, names_;
    std::shared_ptr<store::MemoryDefinitions::Shared> definitions_ =
        store::MemoryDefinitions::make_shared_state();
    broker::Now now_{1'700'000'000'000, 1'000};
};

void add(Machine& machine, std::uint64_t messages, std::int64_t over_ms) {
    broker::TopicSpec spec;
    spec.name = "later";
    const auto topic = machine.engine->catalog().put_topic(spec);
    POSTHORN_CHECK(topic.ok(), "put_topic");
    machine.tick(0);
    const std::string body(100, 'x');
    broker::Publication message;
    message.queue = (*topic)->queues[0];
    message.payload = as_bytes(body);
    for (std::uint64_t n = 0; n < messages; ++n) {
        // Evenly, and neighbours far apart.
        const auto share = static_cast<std::int64_t>(n * 0x9E3779B97F4A7C15u >> 24);
        const std::int64_t delay = 600'000 + share % over_ms;
        POSTHORN_CHECK(machine.engine->publish_at(message, machine.now().wall_ms + delay).ok(), "publish_at");
        if (n % 1'000 == 999) machine.tick(0);
    }
    machine.tick(600);
}

void run(const std::string& directory, std::uint64_t messages, std::int64_t hours) {
    Machine machine(directory);
    machine.open();
    const double memory = resident_mb(), before_add = cpu_ms();
    add(machine, messages, hours * 3'600'000);
    const double per_message = (cpu_ms() - before_add) * 1e6 / static_cast<double>(messages);
    fmt::print("{} messages due over {} h wait: {:.0f} MB more resident, {:.0f} ns each to add\n", messages,
               hours, resident_mb() - memory, per_message);
    machine.close();
    const double closed = resident_mb(), before_open = cpu_ms();
    machine.open();
    fmt::print("started again in {:.0f} ms: {:.0f} MB more resident\n", cpu_ms() - before_open,
               resident_mb() - closed);
    // The first minutes read all that waits; then what is due fires.
    for (int minute = 1; minute <= 20; ++minute) {
        const double before = cpu_ms();
        const std::uint64_t fired = machine.engine->counters().fired;
        double longest = 0;
        for (int n = 0; n < 600; ++n) {
            machine.tick(100);
            do {
                const double at = cpu_ms();
                machine.tick(0);
                longest = std::max(longest, cpu_ms() - at);
            } while (machine.engine->next_tick_ms() <= machine.now().steady_ms);
        }
        const auto counters = machine.engine->counters();
        fmt::print(
            "minute {:>2}: {:>6.0f} ms of work, a tick at most {:.1f} ms; {} fired, {} near, {:.0f} MB "
            "resident\n",
            minute, cpu_ms() - before, longest, counters.fired - fired, counters.timers_near, resident_mb());
    }
    machine.close();
}

}  // namespace

int main(int argc, char** argv) {
    set_log_level(LogLevel::error);
    const std::string directory = argc > 1 ? argv[1] : "bench-timers";
    const std::uint64_t messages = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 10'000'000;
    const std::int64_t hours = argc > 3 ? std::strtoll(argv[3], nullptr, 10) : 24;
    std::filesystem::create_directories(directory);
    run(directory, messages, std::max<std::int64_t>(hours, 1));
    std::filesystem::remove_all(directory);
    return 0;
}
