#include "commands.h"

namespace posthorn::cli {

std::span<const Command> commands() {
    static constexpr Command table[] = {
        {"version", "print the version and how the program was built", run_version},
    };
    return table;
}

}  // namespace posthorn::cli
