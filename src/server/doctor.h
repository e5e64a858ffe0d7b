#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/command.h"
#include "config.h"

namespace posthorn::server {

enum class Verdict {
    good,
    warning,  ///< it will run, and something is not as it should be
    bad,      ///< it will not run, or not do what it promises
};

/// One thing that was looked at.
struct Finding {
    Verdict verdict = Verdict::good;
    std::string check;   ///< "ports.broker", "disk space"
    std::string found;   ///< what is so
    std::string advice;  ///< what to do about it; empty when all is well
};
using Findings = std::vector<Finding>;

/// What `posthorn doctor` looks at before a start (or beside a running server): each adds its findings and
/// changes nothing that stays.
void examine_ports(const Config& config, Findings& findings);
void examine_certificates(const Config& config, Findings& findings);
void examine_data_directory(const Config& config, Findings& findings);
void examine_machine(const Config& config, Findings& findings);

std::string findings_text(const Findings& findings);
std::string findings_json(const Findings& findings);

int run_doctor(const cli::Arguments& arguments);

}  // namespace posthorn::server
