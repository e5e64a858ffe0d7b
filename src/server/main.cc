#include <array>

#include "cli/command.h"
#include "server/commands.h"

int main(int argc, char** argv) {
    const std::array<std::span<const posthorn::cli::Command>, 2> tables{posthorn::server::commands(),
                                                                        posthorn::cli::commands()};
    return posthorn::cli::dispatch(tables, posthorn::cli::Arguments(argv + 1, argv + argc));
}
