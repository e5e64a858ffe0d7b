#include "group_progress.h"

#include <algorithm>

#include "gateway.h"

namespace posthorn::gateway::remoting {

std::set<std::string> topics_with_progress(Gateway& gateway, model::GroupId group) {
    std::set<std::string> topics;
    gateway.broker.each_progress(group, [&](model::QueueId queue, model::QueueOffset) {
        const broker::QueueOwner owner = gateway.catalog().owner(queue);
        if (owner.kind != broker::QueueOwner::Kind::topic) return;
        if (const model::Topic* topic = gateway.catalog().topic(owner.topic)) topics.insert(topic->name);
    });
    return topics;
}

bool not_subscribed(const Gateway& gateway, std::string_view group, std::string_view topic) {
    const ConsumerGroup* consumers = gateway.clients.consumers(group);
    return consumers && !consumers->subscriptions.empty() && !consumers->subscription(topic);
}

std::uint64_t progress_or_zero(const Gateway& gateway, model::GroupId group, model::QueueId queue) {
    const auto next = gateway.broker.progress(group, queue);
    return next ? next->value() : 0;
}

wire::ConsumeStats consume_stats(StoreTimes& times, const model::Group& group, const model::Topic& topic) {
    Gateway& gateway = times.gateway;
    wire::ConsumeStats stats;
    for (std::uint32_t n = 0; n < topic.read_queues; ++n) {
        const model::QueueId queue = topic.queues[n];
        const std::uint64_t consumed = progress_or_zero(gateway, group.id, queue);
        const std::int64_t last = consumed == 0 ? 0 : times.of(queue, model::QueueOffset(consumed - 1));
        stats.queues[{topic.name, gateway.options.broker_name, static_cast<std::int32_t>(n)}] = {
            .broker_offset = static_cast<std::int64_t>(gateway.broker.range(queue).end.value()),
            .consumer_offset = static_cast<std::int64_t>(consumed),
            .pull_offset = static_cast<std::int64_t>(
                std::max(consumed, gateway.traffic.pulled_to(group.id, topic.id, n))),
            .last_ms = std::max<std::int64_t>(last, 0)};
    }
    stats.tps = gateway.traffic.got_tps(group.id, topic.id);
    return stats;
}

}  // namespace posthorn::gateway::remoting
