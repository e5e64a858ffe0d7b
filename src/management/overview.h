#pragma once

#include "desk.h"

namespace posthorn::management {

/// For the rates of the overview.
void note_overview(Desk& desk);

}  // namespace posthorn::management
