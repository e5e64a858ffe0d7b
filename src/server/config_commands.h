#pragma once

#include "cli/command.h"

namespace posthorn::server {

/// What would be in force with these options, as a YAML file.
int run_config_show(const cli::Arguments& arguments);
/// The table of docs/configuration.md.
int run_config_table(const cli::Arguments& arguments);

}  // namespace posthorn::server
