#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace posthorn::api {

enum class MetricKind { counter, gauge, histogram };

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

/// Who the numbers are about: RocketMQ's dashboards select by these.
struct Node {
    std::string cluster;
    std::string id;  ///< the broker's name
};

/// Writes metrics in the Prometheus text format 0.0.4. Call `family` and then its samples, all of them,
/// before the next family. Families named rocketmq_... get the original's labels cluster, node_type and
/// node_id.
///
/// A family has at most `series_max` samples; further ones are left out and counted, so that a hundred
/// thousand topics do not become a hundred thousand series in somebody's Prometheus.
class Exposition {
  public:
    static constexpr std::size_t series_max = 5'000;

    explicit Exposition(const Node& node);

    void family(std::string_view name, MetricKind kind, std::string_view help);
    void sample(Labels labels, double value);
    void sample(double value) { sample({}, value); }
    /// `counts[i]` samples were at most `bounds[i]` and more than the bound before; one count more than
    /// bounds holds the rest.
    void histogram(Labels labels, std::span<const double> bounds, std::span<const std::uint64_t> counts,
                   double sum);

    /// A family of one sample.
    void gauge(std::string_view name, std::string_view help, double value);
    void counter(std::string_view name, std::string_view help, double value);

    std::uint64_t left_out() const { return left_out_; }
    std::string take() { return std::move(text_); }

  private:
    bool another_series();
    void line(std::string_view suffix, Labels labels, std::string_view bound, double value);

    const std::string node_labels_;
    std::string text_;
    std::string family_;
    bool of_node_ = false;
    std::size_t series_ = 0;
    std::uint64_t left_out_ = 0;
};

}  // namespace posthorn::api
