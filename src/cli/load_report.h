#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>

#include "latency_histogram.h"
#include "load_measure.h"

namespace posthorn::cli {

/// The parts every load program's report has, as JSON and as a line for people.
nlohmann::json latency_json(const LatencyHistogram& latency);  ///< microseconds
void print_latency(const char* what, const nlohmann::json& latency);

/// What a message cost the server. Only with processes to look at.
nlohmann::json server_json(const Measured& measured, std::uint64_t messages);
void print_server(const nlohmann::json& server);

/// The report as the program was asked for it, and what the command ends with: a measurement that is not
/// `sound` (the server broke its word) is a failure.
int end_with_report(const nlohmann::json& report, bool as_json, void (*print)(const nlohmann::json&),
                    bool (*sound)(const nlohmann::json&));

}  // namespace posthorn::cli
