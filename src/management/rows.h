#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "desk.h"

namespace posthorn::management {

// What things look like as JSON.

Json exchange_row(Desk& desk, exchange::VirtualHost& host, const exchange::ExchangeSpec& spec);
Json queue_row(Desk& desk, exchange::VirtualHost& host, const exchange::Queue& queue);
Json binding_row(std::string_view vhost, const exchange::Binding& binding);
Json connection_row(Desk& desk, const Connection& connection);
Json channel_row(Desk& desk, const Channel& channel);
Json consumer_row(const Desk& desk, const Consumer& consumer);

/// Of a binding among those with the same ends: its key and a number for its arguments, as part of a path.
std::string properties_key(const exchange::Binding& binding);

/// Counters under RabbitMQ's names, each with its rate: {"publish":21,"publish_details":{"rate":0.5},...}.
struct Counter {
    const char* name;
    std::uint64_t value;
};
/// Of one thing: noted for its rates, and sampled for the charts that ask.
class Numbers {
  public:
    enum class Kind {
        growing,  ///< told with its rate
        level,    ///< goes up and down, with a rate nobody keeps
    };
    Numbers(Desk& desk, std::string thing, std::span<const Counter> counters);
    /// `count` of them from `first` on.
    void put(Json& json, std::size_t first, std::size_t count, Kind kind,
             const std::optional<Rates::Span>& chart) const;

  private:
    Desk& desk_;
    const std::string thing_;
    const std::vector<Counter> counters_;
    Rates::PerSecond rates_{};
};

Json counters_json(Desk& desk, std::string_view thing, std::span<const Counter> counters,
                   const std::optional<Rates::Span>& chart);
Json message_stats(Desk& desk, std::string_view thing, const MessageCounts& counts);

/// messages, messages_ready, messages_unacknowledged.
void add_levels(Desk& desk, Json& json, std::string_view thing, std::uint64_t ready, std::uint64_t unacked);
/// A number that goes up and down: {"mem_used":3,"mem_used_details":{"rate":0.0}}.
void add_level(Json& json, const char* name, std::uint64_t value);

// Notes of counters, from which rates are told.
void note_rates(Desk& desk, const exchange::VirtualHost& host, const exchange::Queue& queue);
void note_rates(Desk& desk, const exchange::VirtualHost& host, const exchange::ExchangeSpec& spec);
/// Unless they are too many: `Rates` then goes by who looks.
void note_rates_of_sessions(Desk& desk);

}  // namespace posthorn::management
