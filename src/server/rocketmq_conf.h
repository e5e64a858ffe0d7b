#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config.h"
#include "note.h"

namespace posthorn::server {

/// Whether a file is one of RocketMQ's (key=value lines) and not YAML: by its name, else by its first line.
bool is_rocketmq_conf(std::string_view path, std::string_view content);

/// Reads a broker.conf or namesrv.conf of Apache RocketMQ, old spellings included. Every key is carried over,
/// or noted as having no effect here and why, or noted as unknown; none is dropped silently. Fails on values
/// that cannot be meant and on a role Posthorn cannot play (SLAVE).
Result<void> apply_rocketmq_conf(Config& config, std::string_view path, std::string_view content,
                                 Notes& notes);

}  // namespace posthorn::server
