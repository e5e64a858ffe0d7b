#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace posthorn::management {

/// How fast counters grow. Every thing has its numbers noted every five seconds (or when somebody looks, if
/// there are too many things), and its rate is what happened between the last two notes.
class Rates {
  public:
    static constexpr std::size_t values_max = 12;
    /// 250 bytes each. Things beyond have no rates.
    static constexpr std::size_t things_max = 20'000;
    static constexpr std::int64_t interval_ms = 5'000;

    /// Of so many things samples are kept for charts: those that were last asked for. 13 KB each.
    static constexpr std::size_t charts_max = 200;
    static constexpr std::int64_t chart_ms = 600'000;

    using PerSecond = std::array<double, values_max>;
    using Values = std::array<std::uint64_t, values_max>;

    /// What a chart shows: the last `age_ms`, a point every `incr_ms`.
    struct Span {
        std::int64_t age_ms = 0, incr_ms = 0;
    };
    struct Sample {
        std::int64_t ms = 0;
        Values values{};
    };

    /// Notes the numbers, if it is time, and tells the rates. `thing` is any name that is nobody else's.
    PerSecond look(std::string_view thing, std::span<const std::uint64_t> values, std::int64_t now_ms);
    /// The noted values at the points of a chart, the newest first, as far back as there are notes: they are
    /// kept from the first time somebody asks.
    std::vector<Sample> samples(std::string_view thing, Span span, std::int64_t now_ms);
    /// Forgets what nobody looked at for a minute, and the charts nobody asked for in ten.
    void forget_unseen(std::int64_t now_ms);
    std::size_t size() const { return things_.size(); }

  private:
    struct Chart {
        std::deque<Sample> notes;
        std::int64_t asked_ms = 0;
    };
    struct Thing {
        std::int64_t before_ms = -1, last_ms = -1;
        Values before{}, last{};
        std::unique_ptr<Chart> chart;
    };
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
    };
    std::unordered_map<std::string, Thing, Hash, std::equal_to<>> things_;
    std::size_t charts_ = 0;
};

}  // namespace posthorn::management
