#include "load_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/command.h"

namespace posthorn::cli {

nlohmann::json latency_json(const LatencyHistogram& latency) {
    const auto us = [](std::int64_t ns) { return static_cast<double>(ns) / 1000; };
    return {{"p50", us(latency.quantile(0.5))},
            {"p99", us(latency.quantile(0.99))},
            {"p99_9", us(latency.quantile(0.999))},
            {"max", us(latency.max())},
            {"mean", latency.mean() / 1000}};
}

void print_latency(const char* what, const nlohmann::json& latency) {
    fmt::print("  {}: p50 {:.1f} us, p99 {:.1f} us, p99.9 {:.1f} us, max {:.1f} us\n", what,
               latency["p50"].get<double>(), latency["p99"].get<double>(), latency["p99_9"].get<double>(),
               latency["max"].get<double>());
}

nlohmann::json server_json(const Measured& measured, std::uint64_t messages) {
    const auto per_message = [&](double seconds) {
        return messages == 0 ? 0 : seconds * 1e6 / static_cast<double>(messages);
    };
    const double user = measured.server_after->user_seconds - measured.server_before->user_seconds;
    const double system = measured.server_after->system_seconds - measured.server_before->system_seconds;
    return {{"user_us_per_message", per_message(user)},
            {"system_us_per_message", per_message(system)},
            {"cpu_share", (user + system) / measured.seconds},
            {"resident_bytes", measured.server_after->resident_bytes},
            {"peak_resident_bytes", measured.server_after->peak_resident_bytes}};
}

void print_server(const nlohmann::json& server) {
    fmt::print(
        "server: {:.2f} us user + {:.2f} us system a message, {:.0f} % of a core, {:.0f} MiB resident\n",
        server["user_us_per_message"].get<double>(), server["system_us_per_message"].get<double>(),
        100 * server["cpu_share"].get<double>(), server["resident_bytes"].get<double>() / (1 << 20));
}

int end_with_report(const nlohmann::json& report, bool as_json, void (*print)(const nlohmann::json&),
                    bool (*sound)(const nlohmann::json&)) {
    if (as_json)
        fmt::print("{}\n", report.dump());
    else
        print(report);
    return sound(report) ? exit_good : exit_failed;
}

}  // namespace posthorn::cli
