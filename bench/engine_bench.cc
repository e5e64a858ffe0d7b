// The embedded engine on one core: what a message costs on its way in (to the page cache) and out again.
//
//     bench_engine [directory [messages]]   a directory on the disk to measure; made, and left empty
//
// With a number of messages only the transient rows are measured, in as many: short enough for callgrind.
//
// Beside each figure stands the budget of docs/ARCHITECTURE.md for what the engine does of it: the protocols'
// shares (receive, frames, replies) are not in here. Exits 1 when a message cost heap memory.

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "base/log.h"
#include "broker/engine.h"
#include "env/posix_files.h"
#include "measure.h"

namespace {

using namespace posthorn;

struct Meter {
    double cpu = 0, wall = 0;
    std::uint64_t heap = 0;
    template <class Work>
    void measure(Work&& work) {
        const double cpu_before = bench::cpu_ns(), wall_before = bench::wall_ns();
        const std::uint64_t heap_before = bench::allocations();
        work();
        cpu += bench::cpu_ns() - cpu_before;
        wall += bench::wall_ns() - wall_before;
        heap += bench::allocations() - heap_before;
    }
};

bool lean = true;

void report(const char* what, const Meter& meter, std::uint64_t messages, std::size_t bytes, int budget) {
    const auto n = static_cast<double>(messages);
    const double heap = static_cast<double>(meter.heap) / n;
    fmt::print("{:<34} {:>6.0f} ns cpu {:>6.0f} ns wall {:>7.2f} M/s {:>7.0f} MB/s {:>8.5f} heap", what,
               meter.cpu / n, meter.wall / n, n * 1e3 / meter.cpu,
               n * static_cast<double>(bytes) * 1e3 / meter.cpu, heap);
    fmt::print("{}\n", budget ? fmt::format("   budget {} ns", budget) : "");
    lean &= heap < 0.01;
}

struct Count final : broker::MessageSink, broker::TakeSink, broker::OfferSink {
    std::uint64_t messages = 0, bytes = 0;
    std::vector<model::QueueOffset> offsets;
    bool on_message(const broker::Stored& message, model::QueueOffset) override {
        ++messages;
        bytes += message.payload.size();
        return true;
    }
    bool on_taken(const broker::Stored& message, const broker::Taken& taken) override {
        offsets.push_back(taken.offset);
        return on_message(message, taken.offset);
    }
    broker::Offer on_offer(const broker::Stored& message, const broker::Taken& taken) override {
        on_message(message, taken.offset);
        return broker::Offer::settle;
    }
};

std::unique_ptr<broker::Engine> open(const std::string& directory) {
    std::filesystem::remove_all(directory);
    auto engine = broker::Engine::open(directory);
    if (!engine) {
        fmt::print(stderr, "{}\n", engine.error().message);
        std::exit(1);
    }
    return std::move(*engine);
}

/// What the page cache takes from one core in plain writes of a tick's size: the measure for the rest.
void plain_write(const std::string& directory, std::size_t size, std::uint32_t batch,
                 std::uint64_t messages) {
    std::filesystem::create_directories(directory);
    env::PosixFiles files(directory);
    auto file = files.open("plain", env::OpenMode::create);
    if (!file || !(*file)->allocate(messages * size)) std::exit(1);
    const std::vector<std::byte> bytes(size * batch, std::byte{'x'});
    Meter meter;
    meter.measure([&] {
        for (std::uint64_t done = 0; done + batch <= messages; done += batch)
            if (!(*file)->write_at(done * size, bytes)) std::exit(1);
    });
    fmt::print("\n");
    report(fmt::format("write(2) alone, {} B x {}", size, batch).c_str(), meter, messages, size, 0);
    std::filesystem::remove_all(directory);
}

void topic(const std::string& directory, std::size_t size, std::uint32_t batch, std::uint64_t messages) {
    auto engine = open(directory);
    broker::TopicSpec spec;
    spec.name = "bench";
    const auto queues = (*engine->broker().catalog().put_topic(spec))->queues;
    const std::vector<std::byte> payload(size, std::byte{'x'});
    Meter in, out, tick;
    Count count;
    std::vector<model::QueueOffset> from(queues.size());
    const std::uint64_t warm = messages / 10;
    for (std::uint64_t done = 0; done < messages + warm; done += batch) {
        if (done >= warm && done < warm + batch) in = out = tick = {};
        const std::size_t n = done / batch % queues.size();
        in.measure([&] {
            broker::Publication message;
            message.queue = queues[n];
            message.key = done;
            message.payload = payload;
            for (std::uint32_t k = 0; k < batch; ++k)
                if (!engine->broker().publish(message)) std::abort();
        });
        tick.measure([&] { engine->tick(); });
        out.measure([&] {
            broker::FetchRequest request;
            request.queue = queues[n];
            request.from = from[n];
            request.max_messages = batch;
            request.max_bytes = 1u << 30;
            from[n] = engine->broker().fetch(request, count).next;
        });
    }
    if (count.messages < messages) std::abort();
    fmt::print("\ntopic, {} B, {} messages in a tick\n", size, batch);
    report("publish", in, messages, size, 45 + 20);
    report("tick (write, wake)", tick, messages, size, 0);
    report("fetch", out, messages, size, 0);
    report("all",
           {in.cpu + tick.cpu + out.cpu, in.wall + tick.wall + out.wall, in.heap + tick.heap + out.heap},
           messages, size, 500);
}

enum class Kind { persistent, transient, no_ack };

/// Publish, take and settle by ticks: into a durable queue, or messages that need not survive a restart into
/// one that does not either; `no_ack` settles as it takes.
void named(const std::string& directory, Kind kind, std::size_t size, std::uint32_t batch,
           std::uint64_t messages) {
    auto engine = open(directory);
    broker::Broker& posthorn = engine->broker();
    const model::QueueId queue = *posthorn.catalog().put_named_queue("bench", kind == Kind::persistent);
    const broker::ReaderId reader = *posthorn.open_reader("bench", queue);
    const std::vector<std::byte> payload(size, std::byte{'x'});
    Meter in, tick, take, settle;
    Count count;
    count.offsets.reserve(batch);
    const std::uint64_t warm = messages / 10;
    const std::int64_t lease_ms = kind == Kind::persistent ? 30'000 : 0;
    for (std::uint64_t done = 0; done < messages + warm; done += batch) {
        if (done >= warm && done < warm + batch) in = tick = take = settle = {};
        in.measure([&] {
            broker::Publication message;
            message.queue = queue;
            message.payload = payload;
            message.persistent = kind == Kind::persistent;
            for (std::uint32_t k = 0; k < batch; ++k)
                if (!posthorn.publish(message)) std::abort();
        });
        tick.measure([&] { engine->tick(); });
        take.measure([&] {
            count.offsets.clear();
            const auto taken = kind == Kind::no_ack ? posthorn.offer(reader, batch, count)
                                                    : posthorn.take(reader, batch, lease_ms, count);
            if (!taken) std::abort();
        });
        if (kind == Kind::no_ack) continue;
        settle.measure([&] {
            for (const model::QueueOffset offset : count.offsets)
                if (!posthorn.settle(reader, offset)) std::abort();
        });
    }
    if (count.messages < messages) std::abort();
    fmt::print("\n{}, {} B, {} messages in a tick\n",
               kind == Kind::persistent  ? "named queue"
               : kind == Kind::transient ? "transient queue"
                                         : "transient queue, no-ack",
               size, batch);
    report("publish", in, messages, size, 45 + 20);
    report("tick (write, notes, wake)", tick, messages, size, 0);
    report("take", take, messages, size, kind == Kind::no_ack ? 0 : 50);
    if (kind != Kind::no_ack) report("settle", settle, messages, size, 0);
    report("all",
           {in.cpu + tick.cpu + take.cpu + settle.cpu, in.wall + tick.wall + take.wall + settle.wall,
            in.heap + tick.heap + take.heap + settle.heap},
           messages, size, kind == Kind::persistent ? 0 : 200);
}

}  // namespace

int main(int argc, char** argv) {
    const std::string directory = argc > 1 ? argv[1] : "bench-engine-data";
    set_log_level(LogLevel::error);
    if (argc > 2) {
        for (const Kind kind : {Kind::transient, Kind::no_ack})
            named(directory, kind, 16, 256, std::strtoull(argv[2], nullptr, 10));
        return 0;
    }
    for (const std::uint32_t batch : {64u, 256u})
        topic(directory, 128, batch, 4'000'000);
    plain_write(directory, 1024, 256, 1'000'000);
    topic(directory, 1024, 256, 1'000'000);
    named(directory, Kind::persistent, 128, 256, 2'000'000);
    for (const Kind kind : {Kind::transient, Kind::no_ack})
        named(directory, kind, 16, 256, 8'000'000);
    std::filesystem::remove_all(directory);
    if (!lean) fmt::print("\na message cost heap memory\n");
    return lean ? 0 : 1;
}
