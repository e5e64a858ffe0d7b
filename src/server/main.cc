#include <array>
#include <csignal>

#include "cli/command.h"
#include "server/commands.h"

int main(int argc, char** argv) {
    std::signal(SIGXFSZ, SIG_IGN);  // a file beyond "ulimit -f" is an error of its write, not the end
    const std::array<std::span<const posthorn::cli::Command>, 2> tables{posthorn::server::commands(),
                                                                        posthorn::cli::commands()};
    return posthorn::cli::dispatch(tables, posthorn::cli::Arguments(argv + 1, argv + argc));
}
