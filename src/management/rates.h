#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace posthorn::management {

/// How fast counters grow. Every thing has its numbers noted every five seconds (or when somebody looks, if
/// there are too many things), and its rate is what happened between the last two notes.
class Rates {
  public:
    static constexpr std::size_t values_max = 12;
    /// 250 bytes each. Things beyond have no rates.
    static constexpr std::size_t things_max = 20'000;
    static constexpr std::int64_t interval_ms = 5'000;

    using PerSecond = std::array<double, values_max>;

    /// Notes the numbers, if it is time, and tells the rates. `thing` is any name that is nobody else's.
    PerSecond look(std::string_view thing, std::span<const std::uint64_t> values, std::int64_t now_ms);
    /// Forgets what nobody looked at for a minute.
    void forget_unseen(std::int64_t now_ms);
    std::size_t size() const { return things_.size(); }

  private:
    using Values = std::array<std::uint64_t, values_max>;
    struct Thing {
        std::int64_t before_ms = -1, last_ms = -1;
        Values before{}, last{};
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };
    std::unordered_map<std::string, Thing, Hash, std::equal_to<>> things_;
};

}  // namespace posthorn::management
