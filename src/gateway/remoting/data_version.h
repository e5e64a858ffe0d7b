#pragma once

#include "wire/remoting/bodies.h"

namespace posthorn::gateway::remoting {

struct Gateway;

/// What tells a tool whether its copy of the topics or groups is still good.
posthorn::wire::remoting::DataVersion data_version(const Gateway& gateway);

}  // namespace posthorn::gateway::remoting
