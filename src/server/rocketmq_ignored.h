#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace posthorn::server {

/// Why a key of RocketMQ's configuration files has no effect here; empty for keys RocketMQ does not have (or
/// that do have an effect: rocketmq_conf.cc knows those).
std::string_view why_ignored(std::string_view key);

/// All of these keys.
std::vector<std::string> ignored_keys();

}  // namespace posthorn::server
