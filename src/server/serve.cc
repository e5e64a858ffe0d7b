#include "serve.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>

#include "command_line.h"
#include "log_sink.h"
#include "program.h"

namespace posthorn::server {
namespace {

/// One descriptor per connection, and some for files. The soft limit may be raised up to the hard one.
void raise_descriptor_limit(const Config& config) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
    constexpr rlim_t for_files = 256;
    if (limit.rlim_cur != RLIM_INFINITY && limit.rlim_cur < config.remoting.connections_max + for_files)
        log_debug("server", "{} file descriptors are allowed, so fewer than limits.connections ({}) will fit",
                  limit.rlim_cur, config.remoting.connections_max);
}

/// The first signal stops in order; from then on a second one ends the process at once.
void stop_on_signals(Program& program) {
    std::signal(SIGPIPE, SIG_IGN);  // a peer that went shows as an error of the write
    program.loop().on_signals([&program](int) {
        std::signal(SIGINT, SIG_DFL);
        std::signal(SIGTERM, SIG_DFL);
        program.stop();
    });
}

int failed(const Error& error) {
    fmt::print(stderr, "posthorn: {}\n", error.message);
    return cli::exit_failed;
}

}  // namespace

int run_serve(const cli::Arguments& arguments) {
    int exit_code = cli::exit_good;
    const auto sources =
        parse_command_line("serve", "Runs Posthorn until it is told to stop (Ctrl-C).", arguments, exit_code);
    if (!sources) return exit_code;
    auto loaded = load_config(*sources);
    if (!loaded) return failed(loaded.error());
    const Config config = loaded->config;
    install_log_sink(config);
    for (const Note& note : loaded->notes)
        log_line(note.level, "config", note.text);
    raise_descriptor_limit(config);

    Program program(config);
    if (auto started = program.start(); !started) {
        [[maybe_unused]] const auto closed = program.close();  // the reason to stop is the one to tell
        return failed(started.error());
    }
    stop_on_signals(program);
    if (config.log_format == LogFormat::json) {
        log_info("server", "ready");
    } else {
        fmt::print("{}", program.banner());
        std::fflush(stdout);
    }
    program.run();
    log_info("server", "stopping");
    if (auto closed = program.close(); !closed) return failed(closed.error());
    log_info("server", "stopped");
    return cli::exit_good;
}

}  // namespace posthorn::server
