#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "config.h"

namespace posthorn::server {

/// One thing that can be set: a key of the YAML file ("store.retention" is `retention:` under `store:`), a
/// flag and an environment variable. `settings()` is the only list; flags, documentation and checks come from
/// it.
struct Setting {
    std::string_view key;
    std::string_view kind;  ///< how values are written, for people: "bytes", "time", "on or off"
    std::string_view about;
    std::function<Result<void>(Config&, std::string_view)> set;
    std::function<std::string(const Config&)> show;

    std::string flag() const;      ///< "--store-retention"
    std::string variable() const;  ///< "POSTHORN_STORE_RETENTION"
};

const std::vector<Setting>& settings();
const Setting* find_setting(std::string_view key);
/// Sets by key; the error names the key, the value and what would be right.
Result<void> set_value(Config& config, std::string_view key, std::string_view value);

/// The table of docs/configuration.md.
std::string settings_table();

}  // namespace posthorn::server
