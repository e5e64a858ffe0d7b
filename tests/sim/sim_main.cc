// posthorn-sim: random histories of the engine on a simulated disk, judged by the laws of the store; with
// --queues those of a virtual host, judged by what its publishers and consumers may expect.
//
//     posthorn-sim                        one random seed, printed first
//     posthorn-sim --seed S [--talk]      exactly that history again
//     posthorn-sim --seeds N [--start S]  many; says how many histories a minute
//     posthorn-sim --queues ...           the same

#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/log.h"
#include "env/random.h"
#include "history.h"
#include "queue_history.h"

namespace {

bool run_one(std::uint64_t seed, bool talk, bool queues) {
    const auto broken =
        queues ? posthorn::sim::QueueHistory(seed, talk).run() : posthorn::sim::History(seed, talk).run();
    if (!broken) return true;
    fmt::print("seed {}: law broken: {}\n  again: posthorn-sim{} --seed {} --talk\n", seed, *broken,
               queues ? " --queues" : "", seed);
    return false;
}

int run_many(std::uint64_t start, std::uint64_t count, bool queues) {
    fmt::print("seeds {} to {}\n", start, start + count - 1);
    std::fflush(stdout);
    const auto began = std::chrono::steady_clock::now();
    std::uint64_t failed = 0;
    for (std::uint64_t n = 0; n < count && failed < 10; ++n)
        failed += !run_one(start + n, false, queues);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    fmt::print("{} histories, {} broken, {:.0f} a minute\n", count, failed,
               static_cast<double>(count) * 60 / took.count());
    return failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    std::uint64_t seed = posthorn::env::system_seed() % 1'000'000'000, seeds = 0;
    bool talk = false, queues = false;
    for (int n = 1; n < argc; ++n) {
        const std::string_view word = argv[n];
        if (word == "--talk") {
            talk = true;
        } else if (word == "--queues") {
            queues = true;
        } else if (n + 1 < argc && (word == "--seed" || word == "--start")) {
            seed = std::strtoull(argv[++n], nullptr, 10);
        } else if (n + 1 < argc && word == "--seeds") {
            seeds = std::strtoull(argv[++n], nullptr, 10);
        } else {
            fmt::print(stderr,
                       "usage: posthorn-sim [--queues] [--seed S [--talk] | --seeds N [--start S]]\n");
            return 2;
        }
    }
    // Faults are what this is about; their lines are wanted only when one history is looked at.
    if (!talk) posthorn::set_log_sink([](posthorn::LogLevel, std::string_view, std::string_view) {});
    if (seeds > 0) return run_many(seed, seeds, queues);
    fmt::print("seed {}\n", seed);
    std::fflush(stdout);
    if (!run_one(seed, talk, queues)) return 1;
    fmt::print("all laws hold\n");
    return 0;
}
