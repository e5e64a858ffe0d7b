#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace posthorn::cli {

struct HttpAnswer {
    unsigned status = 0;
    std::string body;
};

/// One request to a running server, with JSON and Basic authentication (`login`: "user:password"). `address`
/// is HOST:PORT. Waits for 10 s at most.
Result<HttpAnswer> http_call(const std::string& address, std::string_view verb, std::string_view path,
                             std::string_view login, std::string_view body);

std::string base64(std::string_view text);

}  // namespace posthorn::cli
