#include "traffic.h"

#include <algorithm>

namespace posthorn::gateway::remoting {

namespace {

/// Compares with all bounds: six comparisons without a branch.
std::size_t size_bucket(std::uint64_t bytes) {
    std::size_t bucket = 0;
    for (const std::uint64_t bound : kMessageSizeBuckets)
        bucket += bytes > bound;
    return bucket;
}

}  // namespace

void Traffic::in(model::TopicId topic, std::uint64_t messages, std::uint64_t bytes) {
    if (topic.value() >= topics_.size()) topics_.resize(std::max<std::size_t>(64, topic.value() * 2));
    TopicFlow& flow = topics_[topic.value()];
    flow.in.messages += messages;
    flow.in.bytes += bytes;
    flow.sizes[size_bucket(messages > 1 ? bytes / messages : bytes)] += messages;
    totals.messages_in += messages;
    totals.bytes_in += bytes;
}

void Traffic::out(model::GroupId group, model::TopicId topic, std::uint64_t messages, std::uint64_t bytes) {
    Flow& flow = groups_[key(group, topic)].out;
    flow.messages += messages;
    flow.bytes += bytes;
    totals.messages_out += messages;
    totals.bytes_out += bytes;
}

void Traffic::sent_back(model::GroupId group, model::TopicId topic, bool dead) {
    GroupFlow& flow = groups_[key(group, topic)];
    ++(dead ? flow.dead_letters : flow.sent_back);
}

void Traffic::each_topic(const broker::Catalog& names,
                         const std::function<void(const TopicTraffic&)>& visit) const {
    for (std::size_t id = 0; id < topics_.size(); ++id) {
        if (topics_[id].in.messages == 0) continue;
        const model::Topic* topic = names.topic(model::TopicId(static_cast<std::uint32_t>(id)));
        if (topic) visit({topic->name, topics_[id].in.messages, topics_[id].in.bytes, topics_[id].sizes});
    }
}

void Traffic::each_group(const broker::Catalog& names,
                         const std::function<void(const GroupTraffic&)>& visit) const {
    for (const auto& [key, flow] : groups_) {
        const model::Group* group = names.group(model::GroupId(static_cast<std::uint32_t>(key >> 32)));
        const model::Topic* topic = names.topic(model::TopicId(static_cast<std::uint32_t>(key)));
        if (group && topic)
            visit({group->name, topic->name, flow.out.messages, flow.out.bytes, flow.sent_back,
                   flow.dead_letters});
    }
}

void Traffic::sample() {
    samples_[taken_++ % samples_.size()] = totals;
}

double Traffic::rate(std::uint64_t Totals::*what, int seconds) const {
    if (taken_ < 2) return 0;
    const std::size_t steps =
        std::min({taken_ - 1, static_cast<std::size_t>(seconds / 10), samples_.size() - 1});
    const Totals& newest = samples_[(taken_ - 1) % samples_.size()];
    const Totals& oldest = samples_[(taken_ - 1 - steps) % samples_.size()];
    return static_cast<double>(newest.*what - oldest.*what) / (10.0 * static_cast<double>(steps));
}

}  // namespace posthorn::gateway::remoting
