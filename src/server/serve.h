#pragma once

#include "cli/command.h"

namespace posthorn::server {

/// `posthorn serve`: runs the broker until SIGINT or SIGTERM.
int run_serve(const cli::Arguments& arguments);

}  // namespace posthorn::server
