#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"

namespace posthorn::auth {

/// Where users and permissions are kept over a restart: texts by space and key. What is put is durable
/// soon after.
class Keep {
  public:
    virtual ~Keep() = default;
    /// Whether anything can be put or removed for a client now; asked before it is.
    virtual Result<void> admit() const { return {}; }
    virtual void put(std::string_view space, std::string_view key, std::string_view text) = 0;
    virtual void remove(std::string_view space, std::string_view key) = 0;
    virtual void each(
        std::string_view space,
        const std::function<void(std::string_view key, std::string_view text)>& visit) const = 0;
};

}  // namespace posthorn::auth
