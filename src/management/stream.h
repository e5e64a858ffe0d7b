#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "call.h"
#include "http/router.h"
#include "jobs.h"

namespace posthorn::management {

/// Adds a share of an answer's text, a few milliseconds of work or less, and says what is left. Before
/// anything was added it may fail: that is the answer then.
using Share = std::function<Result<Jobs::Left>(std::string& text)>;

/// Answers with what `share` makes, called share by share on the loop: the first here and now, the others as
/// jobs, and those that nobody reads yet not at all. So the loop does not stand still for a large answer, and
/// no more of it is in memory than a piece.
/// `refuse` words a failure.
void stream(Jobs& jobs, Share share, http::Response head, http::Reply reply,
            http::Response (*refuse)(const Error&) = &failed);

}  // namespace posthorn::management
