#include "api/exposition.h"

#include <fmt/core.h>

#include <cmath>

#include "base/check.h"

namespace posthorn::api {
namespace {

std::string escaped(std::string_view value) {
    std::string out;
    for (const char c : value) {
        if (c == '\\' || c == '"')
            (out += '\\') += c;
        else if (c == '\n')
            out += "\\n";
        else
            out += c;
    }
    return out;
}

std::string number(double value) {
    const bool whole = std::floor(value) == value && std::abs(value) < 9e15;
    return whole ? fmt::format("{}", static_cast<std::int64_t>(value)) : fmt::format("{}", value);
}

const char* name(MetricKind kind) {
    switch (kind) {
        case MetricKind::counter:
            return "counter";
        case MetricKind::gauge:
            return "gauge";
        case MetricKind::histogram:
            break;
    }
    return "histogram";
}

}  // namespace

Exposition::Exposition(const Node& node)
    : node_labels_(fmt::format("cluster=\"{}\",node_type=\"broker\",node_id=\"{}\"", escaped(node.cluster),
                               escaped(node.id))) {}

void Exposition::family(std::string_view name_of_family, MetricKind kind, std::string_view help) {
    family_ = name_of_family;
    of_node_ = family_.starts_with("rocketmq_");
    series_ = 0;
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", family_, help, family_, name(kind));
}

bool Exposition::another_series() {
    POSTHORN_CHECK(!family_.empty(), "a sample before its family");
    if (series_ == series_max) {
        ++left_out_;
        return false;
    }
    ++series_;
    return true;
}

void Exposition::line(std::string_view suffix, Labels labels, std::string_view bound, double value) {
    std::string inside = of_node_ ? node_labels_ : std::string();
    for (const auto& [key, text] : labels)
        inside += fmt::format("{}{}=\"{}\"", inside.empty() ? "" : ",", key, escaped(text));
    if (!bound.empty()) inside += fmt::format("{}le=\"{}\"", inside.empty() ? "" : ",", bound);
    text_ += family_;
    text_ += suffix;
    if (!inside.empty()) text_ += fmt::format("{{{}}}", inside);
    text_ += fmt::format(" {}\n", number(value));
}

void Exposition::sample(Labels labels, double value) {
    if (another_series()) line("", labels, "", value);
}

void Exposition::histogram(Labels labels, std::span<const double> bounds,
                           std::span<const std::uint64_t> counts, double sum) {
    POSTHORN_CHECK(counts.size() == bounds.size() + 1, "a histogram has one count more than bounds");
    if (!another_series()) return;
    std::uint64_t so_far = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
        so_far += counts[i];
        line("_bucket", labels, i < bounds.size() ? number(bounds[i]) : "+Inf", static_cast<double>(so_far));
    }
    line("_sum", labels, "", sum);
    line("_count", labels, "", static_cast<double>(so_far));
}

void Exposition::gauge(std::string_view name_of_family, std::string_view help, double value) {
    family(name_of_family, MetricKind::gauge, help);
    sample(value);
}

void Exposition::counter(std::string_view name_of_family, std::string_view help, double value) {
    family(name_of_family, MetricKind::counter, help);
    sample(value);
}

}  // namespace posthorn::api
