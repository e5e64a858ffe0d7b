#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/catalog.h"
#include "gateway/remoting/server.h"

namespace posthorn::gateway::remoting {

/// What went in and out, by topic and by group, since the start.
class Traffic {
  public:
    void in(model::TopicId topic, std::uint64_t messages, std::uint64_t bytes);
    void out(model::GroupId group, model::TopicId topic, std::uint64_t messages, std::uint64_t bytes);
    void sent_back(model::GroupId group, model::TopicId topic, bool dead);

    void each_topic(const broker::Catalog& names,
                    const std::function<void(const TopicTraffic&)>& visit) const;
    void each_group(const broker::Catalog& names,
                    const std::function<void(const GroupTraffic&)>& visit) const;

    struct Totals {
        std::uint64_t messages_in = 0, bytes_in = 0, messages_out = 0, bytes_out = 0, pulls = 0,
                      pulls_found = 0;
    };
    Totals totals;

    /// Call every ten seconds; `rate` looks back up to ten minutes.
    void sample();
    /// Per second over the last `seconds` (10, 60, 600), as far as there are samples.
    double rate(std::uint64_t Totals::*what, int seconds) const;

  private:
    struct Flow {
        std::uint64_t messages = 0, bytes = 0;
    };
    struct GroupFlow {
        Flow out;
        std::uint64_t sent_back = 0, dead_letters = 0;
    };
    static std::uint64_t key(model::GroupId group, model::TopicId topic) {
        return std::uint64_t{group.value()} << 32 | topic.value();
    }

    struct TopicFlow {
        Flow in;
        MessageSizes sizes{};
    };

    std::vector<TopicFlow> topics_;  // by topic id: ids are given from 1 up
    std::unordered_map<std::uint64_t, GroupFlow> groups_;
    std::array<Totals, 61> samples_;
    std::size_t taken_ = 0;
};

}  // namespace posthorn::gateway::remoting
