#pragma once

#include "http/router.h"

namespace posthorn::management {

/// The page for people at `/` and what it is made of. Anybody may load it: it knows only what the API tells
/// whoever logs in.
void add_console(http::Router& router);

}  // namespace posthorn::management
