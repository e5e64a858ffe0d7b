#pragma once

#include <optional>

#include "base/result.h"
#include "http/message.h"
#include "rates.h"

namespace posthorn::management {

/// Which samples a request asks for: `lengths_age=600&lengths_incr=5`, both in seconds, and the same for
/// `msg_rates` and `data_rates`.
struct Ages {
    std::optional<Rates::Span> lengths, msg_rates, data_rates;
};

Result<Ages> ages_of(const http::Request& request);

}  // namespace posthorn::management
