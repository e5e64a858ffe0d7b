// What a log costs per message, by step, and how often it asks the heap: messages of 128 bytes in batches of
// 64, written to the page cache, read back at the tail. Prints a table; the last column is the budget of
// docs/ARCHITECTURE.md where it has one.
#include <fmt/format.h>
#include <stdlib.h>
#include <time.h>

#include <array>
#include <cstdlib>
#include <filesystem>

#include "env/posix_files.h"
#include "measure.h"
#include "runtime/worker.h"
#include "store/log.h"

namespace posthorn {
namespace {

constexpr std::size_t batch = 64;
constexpr std::uint32_t queues = 8;

/// Time and heap allocations of one step, summed over all batches.
struct Step {
    const char* name;
    const char* budget;
    double ns = 0;
    std::uint64_t heap = 0, times = 0;

    template <class Work>
    void run(Work&& work) {
        const auto heap_before = bench::allocations();
        const auto from = bench::cpu_ns();
        work();
        ns += bench::cpu_ns() - from;
        heap += bench::allocations() - heap_before;
        times += batch;
    }
    void print() const {
        fmt::print("{:<28} {:>8.1f} {:>16.5f}   {}\n", name, ns / static_cast<double>(times),
                   static_cast<double>(heap) / static_cast<double>(times), budget);
    }
};

void append(store::Log& log, std::uint64_t n, Bytes payload) {
    const model::QueueId queue[] = {model::QueueId(1 + static_cast<std::uint32_t>(n) % queues)};
    store::NewRecord record;
    record.queues = queue;
    record.payload = payload;
    record.key = n * 0x9E3779B97F4A7C15ull;
    POSTHORN_CHECK(log.append(record, 1'700'000'000'000).ok(), "append");
}

std::uint64_t read(store::Log& log, std::uint32_t queue, std::uint64_t from, std::uint64_t to) {
    std::array<store::Entry, batch / queues> entries;
    std::uint64_t bytes = 0;
    while (from < to) {
        std::size_t count = 0;
        POSTHORN_CHECK(log.entries(model::QueueId(queue), model::QueueOffset(from), entries, &count) ==
                           store::Read::ready,
                       "entries");
        for (std::size_t n = 0; n < count; ++n) {
            store::Record record;
            POSTHORN_CHECK(log.record(entries[n], &record) == store::Read::ready, "record");
            bytes += record.payload.size() + static_cast<std::uint64_t>(record.payload[0]);
        }
        from += count;
    }
    return bytes;
}

int run(std::uint64_t messages, std::size_t payload_bytes) {
    std::string folder = std::filesystem::temp_directory_path() / "posthorn-bench-XXXXXX";
    POSTHORN_CHECK(mkdtemp(folder.data()) != nullptr, "a folder");
    {
        env::PosixFiles files(folder);
        runtime::ThreadWorker worker({.name = "bench"}, [] {});
        store::LogOptions options;
        options.name = "bench";
        options.store_id = 1;
        auto opened = store::Log::open(files, "log", options, worker, {});
        POSTHORN_CHECK(opened.ok(), "open");
        store::Log& log = **opened;

        const std::string payload(payload_bytes, 'x');
        Step appends{"append: record and entry", "65"}, writes{"write: checksum, one write", ""},
            reads{"entry and record at the tail", ""};
        std::uint64_t sum = 0;
        for (std::uint64_t n = 0; n < messages; n += batch) {
            appends.run([&] {
                for (std::uint64_t k = 0; k < batch; ++k)
                    append(log, n + k, as_bytes(payload));
            });
            writes.run([&] { POSTHORN_CHECK(log.write().ok(), "write"); });
            reads.run([&] {
                for (std::uint32_t queue = 1; queue <= queues; ++queue)
                    sum += read(log, queue, n / queues, (n + batch) / queues);
            });
            worker.collect();
            if (log.segments().size() > 3 && !log.drop_oldest().ok()) continue;
        }
        fmt::print("{} messages of {} bytes, {} rolls (sum {})\n", messages, payload_bytes,
                   log.counters().rolls, sum);
        fmt::print("{:<28} {:>8} {:>16}   {}\n", "step", "ns", "heap allocations", "budget ns");
        for (const Step* step : {&appends, &writes, &reads})
            step->print();
        fmt::print("\n");
        opened->reset();
    }
    std::filesystem::remove_all(folder);
    return 0;
}

}  // namespace
}  // namespace posthorn

int main(int count, char** arguments) {
    const std::uint64_t messages = count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 4'000'000;
    return posthorn::run(messages / 64 * 64, 128) + posthorn::run(messages / 512 * 64, 1024);
}
