#pragma once

#include "cli/command.h"

namespace posthorn::server {

int run_certificates(const cli::Arguments& arguments);

}  // namespace posthorn::server
