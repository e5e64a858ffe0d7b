#pragma once

#include <string_view>

namespace posthorn::server {

/// Why a key of RocketMQ's configuration files has no effect here; empty for keys RocketMQ does not have (or
/// that do have an effect: rocketmq_conf.cc knows those).
std::string_view why_ignored(std::string_view key);

}  // namespace posthorn::server
