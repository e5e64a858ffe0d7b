#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "exchange/policy.h"
#include "exchange/virtual_host.h"

namespace posthorn::exchange {

/// The policies of one virtual host, or its operator policies.
class Policies {
  public:
    explicit Policies(bool of_operator);
    ~Policies();

    /// Invalid in RabbitMQ's words: the pattern, a setting nobody knows, a value it cannot have.
    Result<void> check(const Policy& policy) const;
    Result<void> put(const Policy& policy);
    bool erase(std::string_view name);
    void each(const std::function<void(const Policy&)>& visit) const;
    /// The one in force; null if none matches.
    const Policy* find(DestinationKind kind, std::string_view name, bool quorum) const;

  private:
    struct Compiled;
    const bool of_operator_;
    std::map<std::string, std::unique_ptr<Compiled>, std::less<>> policies_;
};

}  // namespace posthorn::exchange
