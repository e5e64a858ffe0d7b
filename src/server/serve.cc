#include "serve.h"

#include <fmt/core.h>
#include <sys/resource.h>

#include <csignal>

#include "command_line.h"
#include "descriptors.h"
#include "log_sink.h"
#include "program.h"

namespace posthorn::server {
namespace {

/// One descriptor per connection.
Result<void> share_descriptors(Config& config) {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return {};
    limit.rlim_cur = limit.rlim_max;  // the soft limit may be raised up to the hard one
    ::setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur == RLIM_INFINITY) return {};
    if (limit.rlim_cur < descriptors_min)
        return Error{Errc::full,
                     fmt::format("{} file descriptors are allowed, and at least {} are needed\n  raise the "
                                 "hard limit: 'ulimit -Hn', LimitNOFILE= of systemd, or the container's "
                                 "ulimits",
                                 limit.rlim_cur, descriptors_min)};
    const std::size_t wanted = connections_wanted(config);
    const std::size_t left = connections_within(config, limit.rlim_cur);
    if (left == wanted) return {};
    cap_connections(config, left);
    log_info("server", "{} file descriptors are allowed (ulimit -n), so {} connections, not {}, are taken",
             limit.rlim_cur, left, wanted);
    return {};
}

void stop_on_signals(Program& program) {
    std::signal(SIGPIPE, SIG_IGN);  // a peer that went shows as an error of the write
    program.loop().on_signals([&program](int) { program.stop(); });
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
    Config config = loaded->config;
    install_log_sink(config);
    for (const Note& note : loaded->notes)
        log_line(note.level, "config", note.text);
    if (auto shared = share_descriptors(config); !shared) return failed(shared.error());

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
