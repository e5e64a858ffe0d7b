#pragma once

#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config.h"
#include "note.h"

namespace posthorn::server {

/// Where settings come from, weakest first: defaults, files in their order, environment, flags.
struct Sources {
    std::vector<std::string> files;
    std::vector<std::pair<std::string, std::string>> environment;  ///< variables named POSTHORN_...
    std::vector<std::pair<std::string, std::string>> flags;        ///< by key of the setting
};

struct Loaded {
    Config config;
    Notes notes;
};

Result<Loaded> load_config(const Sources& sources);

/// Posthorn's own file. Unknown keys are noted by name, with the key that may have been meant.
Result<void> apply_yaml(Config& config, std::string_view path, const std::string& content, Notes& notes);

/// The process's variables whose names begin with POSTHORN_.
std::vector<std::pair<std::string, std::string>> posthorn_environment();

}  // namespace posthorn::server
