#pragma once

#include <string>
#include <vector>

#include "base/log.h"

namespace posthorn::server {

/// What reading the configuration has to say: logged once the log is set up as the configuration wants it.
struct Note {
    LogLevel level;
    std::string text;
};
using Notes = std::vector<Note>;

}  // namespace posthorn::server
