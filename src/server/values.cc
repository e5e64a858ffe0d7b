#include "values.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>

namespace posthorn::server {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr Unit byte_units[] = {{"", 1},
                               {"b", 1},
                               {"k", 1ull << 10},
                               {"kb", 1ull << 10},
                               {"kib", 1ull << 10},
                               {"m", 1ull << 20},
                               {"mb", 1ull << 20},
                               {"mib", 1ull << 20},
                               {"g", 1ull << 30},
                               {"gb", 1ull << 30},
                               {"gib", 1ull << 30},
                               {"t", 1ull << 40},
                               {"tb", 1ull << 40},
                               {"tib", 1ull << 40}};
constexpr Unit time_units[] = {{"", 1},         {"ms", 1},        {"s", 1000},      {"m", 60'000},
                               {"min", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}};

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

Result<std::uint64_t> parse_with(std::string_view text, std::span<const Unit> units, const char* example) {
    const Error wrong{Errc::invalid,
                      fmt::format("'{}' is not understood; write for example {}", text, example)};
    std::uint64_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) return wrong;
    std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
    unit.remove_prefix(std::min(unit.find_first_not_of(' '), unit.size()));
    for (const Unit& known : units)
        if (lower(unit) == known.name) {
            if (number > static_cast<std::uint64_t>(INT64_MAX) / known.factor)
                return Error{Errc::invalid, fmt::format("'{}' is too large", text)};
            return number * known.factor;
        }
    return wrong;
}

std::string show_with(std::uint64_t value, std::span<const Unit> units) {
    for (const Unit& unit : units)
        if (value != 0 && value % unit.factor == 0)
            return fmt::format("{}{}", value / unit.factor, unit.name);
    return fmt::format("{}", value);
}

}  // namespace

Result<std::uint64_t> parse_count(std::string_view text) {
    return parse_with(text, std::span(byte_units).first(1), "1024");
}
Result<std::uint64_t> parse_bytes(std::string_view text) {
    return parse_with(text, byte_units, "64MiB");
}
Result<std::int64_t> parse_time(std::string_view text) {
    auto ms = parse_with(text, time_units, "500ms, 10s, 5m, 72h or 3d");
    if (!ms) return ms.error();
    return static_cast<std::int64_t>(*ms);
}

Result<double> parse_ratio(std::string_view text) {
    double number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit(rest, static_cast<std::size_t>(text.data() + text.size() - rest));
    if (unit == "%") number /= 100;
    const bool good = error == std::errc() && (unit.empty() || unit == "%") && number >= 0 && number <= 1;
    if (!good)
        return Error{Errc::invalid, fmt::format("'{}' is not a share; write for example 0.75 or 75%", text)};
    return number;
}

Result<bool> parse_switch(std::string_view text) {
    const std::string word = lower(text);
    for (const char* yes : {"true", "yes", "on", "1"})
        if (word == yes) return true;
    for (const char* no : {"false", "no", "off", "0"})
        if (word == no) return false;
    return Error{Errc::invalid, fmt::format("'{}' is neither true nor false", text)};
}

std::string show_bytes(std::uint64_t bytes) {
    static constexpr Unit units[] = {{"GiB", 1ull << 30}, {"MiB", 1ull << 20}, {"KiB", 1ull << 10}};
    return show_with(bytes, units);
}
std::string show_time(std::int64_t ms) {
    static constexpr Unit units[] = {{"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
    return show_with(static_cast<std::uint64_t>(ms), units);
}

}  // namespace posthorn::server
