#pragma once

#include <string>

namespace posthorn::runtime {

/// Why OpenSSL's last call on this thread failed, in its words; its list of errors is empty afterwards.
std::string take_tls_error();

}  // namespace posthorn::runtime
