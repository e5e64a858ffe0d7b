#pragma once

#include <span>
#include <string>
#include <string_view>

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
Json counters_json(Desk& desk, std::string_view thing, std::span<const Counter> counters);
Json message_stats(Desk& desk, std::string_view thing, const MessageCounts& counts);

/// Numbers that go up and down, with a rate nobody keeps: {"messages":3,"messages_details":{"rate":0.0}}.
void add_level(Json& json, const char* name, std::uint64_t value);

/// Notes the counters of everything there is, unless that is too much: `Rates` then goes by who looks.
void note_rates(Desk& desk);

}  // namespace posthorn::management
