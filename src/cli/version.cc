#include <cstdio>

#include "commands.h"

namespace posthorn::cli {

int run_version(const Arguments&) {
    std::printf("posthorn %s (%s, %s)\n", POSTHORN_VERSION, POSTHORN_BUILD_TYPE, __VERSION__);
    return exit_good;
}

}  // namespace posthorn::cli
