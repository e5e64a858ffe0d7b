#include "server/commands.h"

#include "certificate_command.h"
#include "config_commands.h"
#include "doctor.h"
#include "serve.h"

namespace posthorn::server {

std::span<const cli::Command> commands() {
    static constexpr cli::Command table[] = {
        {"serve", "run the broker", run_serve},
        {"doctor", "look whether the broker can run here, and say what to do", run_doctor},
        {"certificates", "make certificates for a first try of TLS", run_certificates},
        {"config show", "print the configuration that would be in force, as YAML", run_config_show},
        {"config table", "print every setting as a table", run_config_table},
    };
    return table;
}

}  // namespace posthorn::server
