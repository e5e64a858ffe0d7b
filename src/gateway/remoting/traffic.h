#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "broker/catalog.h"
#include "gateway/remoting/server.h"
#include "span_stats.h"

namespace posthorn::gateway::remoting {

/// Messages that went one way: since the start, and sampled over the last minute, hour and day.
struct Flow {
    FlowCounts counts;
    FlowCounts unsampled;  ///< of these, what came while there were no samples
    std::unique_ptr<SpanSamples>
        samples;  ///< none before the first, none beyond the limit or after an idle day
};

/// What a pull brought its group, maybe nothing.
struct Pulled {
    model::GroupId group;
    model::TopicId topic;
    std::uint32_t queue = 0;  ///< its number in the topic
    model::QueueOffset next;  ///< where the group's next pull of that queue begins
    std::uint64_t messages = 0, bytes = 0;
};

/// What went in and out, by topic and by group. What belongs to a topic or a group that was deleted is
/// forgotten with the next sample.
class Traffic {
  public:
    /// Clients decide which group reads which topic: some 300 bytes for each pair of them. What is beyond
    /// counts in the totals alone.
    static constexpr std::size_t group_flows_max = 200'000;

    /// `sampled_max`: flows that have samples; one takes 950 bytes. Steady milliseconds, here as below.
    Traffic(std::int64_t now_ms, std::size_t sampled_max);

    void in(model::TopicId topic, std::uint64_t messages, std::uint64_t bytes);
    void pulled(const Pulled& pull);
    void sent_back(model::GroupId group, model::TopicId topic, bool dead);

    void each_topic(const broker::Catalog& names,
                    const std::function<void(const TopicTraffic&)>& visit) const;
    void each_group(const broker::Catalog& names,
                    const std::function<void(const GroupTraffic&)>& visit) const;

    struct Totals {
        std::uint64_t messages_in = 0, bytes_in = 0, sends = 0, messages_out = 0, bytes_out = 0, pulls = 0,
                      pulls_found = 0, pulls_missed = 0;
    };
    Totals totals;

    /// Takes the samples that are due; call about as often as they are.
    void sample(std::int64_t now_ms, const broker::Catalog& names);

    // Null where nothing went yet.
    const Flow* put(model::TopicId topic) const;
    const Flow* got(model::GroupId group, model::TopicId topic) const;
    const Flow* sent_back(model::GroupId group, model::TopicId topic) const;
    const Flow& all_put() const { return all_put_; }
    const Flow& all_got() const { return all_got_; }
    SpanFigures figures(const Flow& flow, Span span, std::uint64_t FlowCounts::*what) const;
    /// Messages per second over the last minute.
    double put_tps(model::TopicId topic) const;
    double got_tps(model::GroupId group, model::TopicId topic) const;

    /// Where the group's next pull of the queue with this number begins; 0 when it has not pulled since the
    /// start. What lies between its progress and here is in its members' hands.
    std::uint64_t pulled_to(model::GroupId group, model::TopicId topic, std::uint32_t queue) const;

  private:
    struct GroupFlow {
        Flow out, sent_back;
        std::uint64_t dead_letters = 0;
        std::vector<std::uint64_t> pulled_to;  // by number of the queue
    };
    struct TopicFlow {
        Flow in;
        MessageSizes sizes{};
    };
    static std::uint64_t key(model::GroupId group, model::TopicId topic) {
        return std::uint64_t{group.value()} << 32 | topic.value();
    }
    static model::GroupId group_of(std::uint64_t key) {
        return model::GroupId(static_cast<std::uint32_t>(key >> 32));
    }
    static model::TopicId topic_of(std::uint64_t key) {
        return model::TopicId(static_cast<std::uint32_t>(key));
    }

    GroupFlow* flow_of(model::GroupId group, model::TopicId topic);
    const TopicFlow* topic_flow(model::TopicId topic) const;
    const GroupFlow* group_flow(model::GroupId group, model::TopicId topic) const;
    void forget_deleted(const broker::Catalog& names);
    void sample(Span span, Flow& flow);
    void begin_samples(Flow& flow);
    void end_samples(Flow& flow);

    std::vector<std::unique_ptr<TopicFlow>> topics_;  // by topic id: ids are given from 1 up
    std::unordered_map<std::uint64_t, GroupFlow> groups_;
    Flow all_put_, all_got_;
    SampleTimes times_;
    const std::size_t sampled_max_;
    std::size_t sampled_ = 0;
};

}  // namespace posthorn::gateway::remoting
