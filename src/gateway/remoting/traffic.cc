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

void add(FlowCounts& counts, std::uint64_t messages, std::uint64_t bytes) {
    counts.messages += messages;
    counts.bytes += bytes;
    ++counts.requests;
}

}  // namespace

Traffic::Traffic(std::int64_t now_ms, std::size_t sampled_max) : times_(now_ms), sampled_max_(sampled_max) {}

void Traffic::in(model::TopicId topic, std::uint64_t messages, std::uint64_t bytes) {
    if (topic.value() >= topics_.size()) topics_.resize(std::max<std::size_t>(64, topic.value() * 2));
    auto& flow = topics_[topic.value()];
    if (!flow) flow = std::make_unique<TopicFlow>();
    add(flow->in.counts, messages, bytes);
    flow->sizes[size_bucket(messages > 1 ? bytes / messages : bytes)] += messages;
    totals.messages_in += messages;
    totals.bytes_in += bytes;
    ++totals.sends;
}

void Traffic::pulled(const Pulled& pull) {
    ++totals.pulls;
    totals.pulls_missed += pull.messages == 0;
    totals.pulls_found += pull.messages != 0;
    totals.messages_out += pull.messages;
    totals.bytes_out += pull.bytes;
    GroupFlow* flow = flow_of(pull.group, pull.topic);
    if (!flow) return;
    if (pull.queue >= flow->pulled_to.size()) flow->pulled_to.resize(pull.queue + std::size_t{1});
    flow->pulled_to[pull.queue] = pull.next.value();
    if (pull.messages != 0) add(flow->out.counts, pull.messages, pull.bytes);
}

/// Null when there are too many already.
Traffic::GroupFlow* Traffic::flow_of(model::GroupId group, model::TopicId topic) {
    const std::uint64_t key = this->key(group, topic);
    if (const auto at = groups_.find(key); at != groups_.end()) return &at->second;
    return groups_.size() < group_flows_max ? &groups_[key] : nullptr;
}

void Traffic::sent_back(model::GroupId group, model::TopicId topic, bool dead) {
    GroupFlow* flow = flow_of(group, topic);
    if (!flow) return;
    if (dead)
        ++flow->dead_letters;
    else
        add(flow->sent_back.counts, 1, 0);
}

void Traffic::each_topic(const broker::Catalog& names,
                         const std::function<void(const TopicTraffic&)>& visit) const {
    for (std::size_t id = 0; id < topics_.size(); ++id) {
        if (!topics_[id]) continue;
        const TopicFlow& flow = *topics_[id];
        const model::Topic* topic = names.topic(model::TopicId(static_cast<std::uint32_t>(id)));
        if (topic) visit({topic->name, flow.in.counts.messages, flow.in.counts.bytes, flow.sizes});
    }
}

void Traffic::each_group(const broker::Catalog& names,
                         const std::function<void(const GroupTraffic&)>& visit) const {
    for (const auto& [key, flow] : groups_) {
        const model::Group* group = names.group(group_of(key));
        const model::Topic* topic = names.topic(topic_of(key));
        if (group && topic)
            visit({group->name, topic->name, flow.out.counts.messages, flow.out.counts.bytes,
                   flow.sent_back.counts.messages, flow.dead_letters});
    }
}

void Traffic::begin_samples(Flow& flow) {
    if (flow.samples || flow.counts.requests == flow.unsampled.requests) return;
    if (sampled_ >= sampled_max_) {
        flow.unsampled = flow.counts;
        return;
    }
    flow.samples = std::make_unique<SpanSamples>(times_, flow.unsampled);
    ++sampled_;
}

void Traffic::end_samples(Flow& flow) {
    if (!flow.samples) return;
    flow.samples.reset();
    flow.unsampled = flow.counts;
    --sampled_;
}

void Traffic::sample(Span span, Flow& flow) {
    if (!flow.samples) return;
    flow.samples->sample(times_, span, flow.counts);
    if (span == Span::day && flow.samples->idle(times_)) end_samples(flow);
}

void Traffic::forget_deleted(const broker::Catalog& names) {
    for (std::size_t id = 0; id < topics_.size(); ++id) {
        if (!topics_[id] || names.topic(model::TopicId(static_cast<std::uint32_t>(id)))) continue;
        end_samples(topics_[id]->in);
        topics_[id].reset();
    }
    for (auto at = groups_.begin(); at != groups_.end();) {
        GroupFlow& flow = at->second;
        const bool there = names.group(group_of(at->first)) && names.topic(topic_of(at->first));
        if (!there) {
            end_samples(flow.out);
            end_samples(flow.sent_back);
        }
        at = there ? std::next(at) : groups_.erase(at);
    }
}

void Traffic::sample(std::int64_t now_ms, const broker::Catalog& names) {
    if (!times_.due(Span::minute, now_ms)) return;
    forget_deleted(names);
    all_put_.counts = {totals.messages_in, totals.bytes_in, totals.sends};
    all_got_.counts = {totals.messages_out, totals.bytes_out, totals.pulls_found};
    const auto each_flow = [&](const auto& visit) {
        visit(all_put_), visit(all_got_);
        for (const auto& topic : topics_)
            if (topic) visit(topic->in);
        for (auto& [key, group] : groups_)
            visit(group.out), visit(group.sent_back);
    };
    each_flow([&](Flow& flow) { begin_samples(flow); });
    for (const Span span : kSpans) {
        if (!times_.due(span, now_ms)) continue;
        times_.take(span, now_ms);
        each_flow([&](Flow& flow) { sample(span, flow); });
    }
}

const Traffic::TopicFlow* Traffic::topic_flow(model::TopicId topic) const {
    return topic.value() < topics_.size() ? topics_[topic.value()].get() : nullptr;
}

const Traffic::GroupFlow* Traffic::group_flow(model::GroupId group, model::TopicId topic) const {
    const auto found = groups_.find(key(group, topic));
    return found == groups_.end() ? nullptr : &found->second;
}

const Flow* Traffic::put(model::TopicId topic) const {
    const TopicFlow* flow = topic_flow(topic);
    return flow ? &flow->in : nullptr;
}

const Flow* Traffic::got(model::GroupId group, model::TopicId topic) const {
    const GroupFlow* flow = group_flow(group, topic);
    return flow && flow->out.counts.requests != 0 ? &flow->out : nullptr;
}

const Flow* Traffic::sent_back(model::GroupId group, model::TopicId topic) const {
    const GroupFlow* flow = group_flow(group, topic);
    return flow && flow->sent_back.counts.requests != 0 ? &flow->sent_back : nullptr;
}

SpanFigures Traffic::figures(const Flow& flow, Span span, std::uint64_t FlowCounts::*what) const {
    return flow.samples ? flow.samples->figures(times_, span, what) : SpanFigures{};
}

double Traffic::put_tps(model::TopicId topic) const {
    const Flow* flow = put(topic);
    return flow ? figures(*flow, Span::minute, &FlowCounts::messages).per_second : 0;
}

double Traffic::got_tps(model::GroupId group, model::TopicId topic) const {
    const Flow* flow = got(group, topic);
    return flow ? figures(*flow, Span::minute, &FlowCounts::messages).per_second : 0;
}

std::uint64_t Traffic::pulled_to(model::GroupId group, model::TopicId topic, std::uint32_t queue) const {
    const GroupFlow* flow = group_flow(group, topic);
    return flow && queue < flow->pulled_to.size() ? flow->pulled_to[queue] : 0;
}

}  // namespace posthorn::gateway::remoting
