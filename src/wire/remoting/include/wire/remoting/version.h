#pragma once

#include <cstdint>
#include <string>

namespace posthorn::wire::remoting {

/// RocketMQ's name of a client's version number, "V4_9_4" of 401; the number itself where it gives none.
std::string version_name(std::int32_t version);

}  // namespace posthorn::wire::remoting
