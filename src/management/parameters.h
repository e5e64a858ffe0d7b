#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "auth/keep.h"
#include "json.h"

namespace posthorn::management {

/// Named values that operators leave with the server: parameters of components in virtual hosts, global ones,
/// and what a virtual host says of itself. Kept over a restart.
class Parameters {
  public:
    /// Global ones have this component and no virtual host.
    static constexpr std::string_view global = "";
    /// Description, tags, tracing of a virtual host; not a component RabbitMQ knows.
    static constexpr std::string_view vhost_metadata = "vhost-metadata";

    explicit Parameters(auth::Keep& keep);

    const Json* find(std::string_view component, std::string_view vhost, std::string_view name) const;
    /// Both fail while nothing can be kept (`Keep::admit`).
    Result<void> put(std::string_view component, std::string_view vhost, std::string_view name, Json value);
    Result<void> erase(std::string_view component, std::string_view vhost, std::string_view name);
    void forget_vhost(std::string_view vhost);
    /// Of one component, by virtual host and name.
    void each(std::string_view component,
              const std::function<void(const std::string& vhost, const std::string& name, const Json&)>&
                  visit) const;

  private:
    using Key = std::tuple<std::string, std::string, std::string>;

    auth::Keep& keep_;
    std::map<Key, Json> values_;
};

}  // namespace posthorn::management
