// What a message costs between a gateway that has decoded it and a consumer that is handed it, on one core:
// route, limits, record, ready list, choice of the consumer, and settling where it is settled one by one.
//
//     bench_exchange [directory]             a directory on the disk to measure; made, and left empty
//     bench_exchange [directory] transient   the first row alone, short enough for callgrind
//     bench_exchange [directory] waiting N   what N waiting messages cost in memory and on the disk
//
// The protocol's shares (receive, frames, windows, send) are not in here. Exits 1 when a message cost heap
// memory.

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "base/log.h"
#include "broker/engine.h"
#include "exchange/virtual_host.h"
#include "measure.h"

namespace {

using namespace posthorn;

/// Memory of this process that is in use.
std::uint64_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    std::uint64_t total = 0, resident = 0;
    statm >> total >> resident;
    return resident * 4096;
}

struct Meter {
    double cpu = 0;
    std::uint64_t heap = 0;
    template <class Work>
    void measure(Work&& work) {
        const double before = bench::cpu_ns();
        const std::uint64_t heap_before = bench::allocations();
        work();
        cpu += bench::cpu_ns() - before;
        heap += bench::allocations() - heap_before;
    }
};

bool lean = true;

void report(const char* what, const Meter& meter, std::uint64_t messages, int budget = 0) {
    const auto n = static_cast<double>(messages);
    const double heap = static_cast<double>(meter.heap) / n;
    fmt::print("{:<34} {:>6.0f} ns cpu {:>7.2f} M/s {:>8.5f} heap{}\n", what, meter.cpu / n,
               n * 1e3 / meter.cpu, heap, budget ? fmt::format("   budget {} ns", budget) : "");
    lean &= heap < 0.01;
}

/// What a gateway's channel does with a delivery, without the frame.
class Sink final : public exchange::Consumer {
  public:
    explicit Sink(bool settles_at_once) : Consumer({.settles_at_once = settles_at_once}) {
        held.reserve(4096);
    }
    std::uint32_t room() const override { return 1000; }
    void deliver(exchange::Queue&, const broker::Stored& message,
                 const exchange::Delivery& delivery) override {
        ++messages;
        bytes += message.payload.size();
        if (!options().settles_at_once) held.push_back(delivery.id);
    }
    void cancelled() override {}

    std::uint64_t messages = 0, bytes = 0;
    std::vector<exchange::DeliveryId> held;
};

struct Case {
    const char* name;
    std::size_t size;
    bool persistent, durable, settles_at_once;
    int queues = 1;
};

void run(const std::string& directory, const Case& what, std::uint32_t batch, std::uint64_t messages) {
    std::filesystem::remove_all(directory);
    auto engine = broker::Engine::open(directory);
    if (!engine) {
        fmt::print(stderr, "{}\n", engine.error().message);
        std::exit(1);
    }
    auto hosts = exchange::VirtualHosts::open((*engine)->broker());
    if (!hosts) std::exit(1);
    exchange::VirtualHost& host = *(*hosts)->find("/");
    std::vector<std::unique_ptr<Sink>> sinks;
    for (int n = 0; n < what.queues; ++n) {
        exchange::QueueSpec spec;
        spec.name = "queue" + std::to_string(n);
        spec.durable = what.durable;
        auto queue = host.declare_queue(spec);
        sinks.push_back(std::make_unique<Sink>(what.settles_at_once));
        if (!queue || !host.consume(**queue, *sinks.back()) ||
            !host.bind({"amq.direct", exchange::DestinationKind::queue, spec.name, "key", {}}, 0))
            std::exit(1);
    }
    const std::vector<std::byte> payload(what.size, std::byte{'x'});
    Meter in, tick, out, settle;
    const std::uint64_t warm = messages / 10;
    for (std::uint64_t done = 0; done < messages + warm; done += batch) {
        if (done >= warm && done < warm + batch) in = tick = out = settle = {};
        in.measure([&] {
            exchange::Publication message;
            message.exchange = "amq.direct";
            message.key = "key";
            message.persistent = what.persistent;
            message.body_bytes = static_cast<std::uint32_t>(what.size);
            message.payload = payload;
            for (std::uint32_t k = 0; k < batch; ++k)
                if (!host.publish(message)) std::abort();
        });
        tick.measure([&] {
            (*hosts)->before_tick_end();
            (*engine)->tick();
        });
        out.measure([&] { (*hosts)->after_tick_end(); });
        settle.measure([&] {
            for (int n = 0; n < what.queues; ++n) {
                exchange::Queue& queue = *host.queue("queue" + std::to_string(n));
                for (const exchange::DeliveryId& id : sinks[static_cast<std::size_t>(n)]->held)
                    if (!queue.settle(id)) std::abort();
                sinks[static_cast<std::size_t>(n)]->held.clear();
            }
        });
    }
    for (const auto& sink : sinks)
        if (sink->messages < messages) std::abort();
    fmt::print("\n{}, {} B payload, {} messages in a tick\n", what.name, what.size, batch);
    report("publish (route, record, list)", in, messages, 25 + 45 + 20);
    report("tick (write, notes)", tick, messages);
    report("hand out", out, messages, 0);
    if (!what.settles_at_once) report("settle", settle, messages, 0);
    report("all", {in.cpu + tick.cpu + out.cpu + settle.cpu, in.heap + tick.heap + out.heap + settle.heap},
           messages, what.settles_at_once ? 140 : 0);
    for (const auto& sink : sinks)
        host.leave(*sink);
}

/// Nobody consumes: messages pile up, as on a bad day.
void waiting(const std::string& directory, bool persistent, std::uint64_t messages) {
    const std::uint64_t before = resident_bytes();
    std::filesystem::remove_all(directory);
    auto engine = broker::Engine::open(directory);
    auto hosts = engine ? exchange::VirtualHosts::open((*engine)->broker())
                        : Result<std::unique_ptr<exchange::VirtualHosts>>(engine.error());
    if (!hosts) std::exit(1);
    exchange::VirtualHost& host = *(*hosts)->find("/");
    exchange::QueueSpec spec;
    spec.name = "queue";
    spec.durable = true;
    if (!host.declare_queue(spec)) std::exit(1);
    const std::vector<std::byte> payload(1024, std::byte{'x'});
    exchange::Publication message;
    message.key = "queue";
    message.persistent = persistent;
    message.body_bytes = 1024;
    message.payload = payload;
    std::uint64_t most = 0;
    for (std::uint64_t n = 1; n <= messages; ++n) {
        if (!host.publish(message)) std::abort();
        if (n % 256 != 0) continue;
        (*hosts)->before_tick_end();
        (*engine)->tick();
        (*hosts)->after_tick_end();
        if (n % 65'536 == 0) most = std::max(most, resident_bytes());
    }
    std::uint64_t disk = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(directory))
        if (file.is_regular_file()) disk += file.file_size();
    const auto mib = [](std::uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
    fmt::print(
        "{} {} messages of 1024 B waiting: {:.0f} MiB more resident ({:.1f} B a message), {:.0f} MiB of "
        "files\n",
        messages, persistent ? "persistent" : "transient", mib(most - before),
        static_cast<double>(most - before) / static_cast<double>(messages), mib(disk));
}

}  // namespace

int main(int argc, char** argv) {
    const std::string directory = argc > 1 ? argv[1] : "bench-exchange-data";
    const std::string what = argc > 2 ? argv[2] : "";
    set_log_level(LogLevel::error);
    const Case transient{"transient, settled at once", 64, false, false, true};
    if (what == "transient") {
        run(directory, transient, 256, 400'000);
    } else if (what == "waiting") {
        const std::uint64_t messages = argc > 3 ? std::stoull(argv[3]) : 5'000'000;
        for (const bool persistent : {true, false})
            waiting(directory, persistent, messages);
    } else {
        run(directory, transient, 256, 4'000'000);
        run(directory, {"transient, settled one by one", 64, false, false, false}, 256, 2'000'000);
        run(directory, {"transient, to four queues", 64, false, false, true, 4}, 256, 1'000'000);
        run(directory, {"persistent, settled one by one", 64, true, true, false}, 256, 1'000'000);
    }
    std::filesystem::remove_all(directory);
    if (!lean) fmt::print("\na message cost heap memory\n");
    return lean ? 0 : 1;
}
