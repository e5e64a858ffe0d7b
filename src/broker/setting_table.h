#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace posthorn::broker {

/// Small texts by space and key. Clients decide how many there are: who lets them in has the limit.
class SettingTable {
  public:
    void set(std::string_view space, std::string_view key, std::string_view value);
    /// False if there was none.
    bool unset(std::string_view space, std::string_view key);
    const std::string* find(std::string_view space, std::string_view key) const;  ///< null if there is none
    std::size_t size() const;                                                     ///< over all spaces
    /// In the order of keys.
    void each(std::string_view space,
              const std::function<void(const std::string& key, const std::string& value)>& visit) const;

  private:
    using Space = std::map<std::string, std::string, std::less<>>;
    std::map<std::string, Space, std::less<>> spaces_;
};

}  // namespace posthorn::broker
