#include <fmt/format.h>

#include <set>

#include "call.h"
#include "catalog_rules.h"
#include "gateway.h"
#include "group_progress.h"
#include "handlers.h"
#include "json_text.h"
#include "peek.h"
#include "wire/remoting/bodies.h"
#include "wire/remoting/route.h"

namespace posthorn::gateway::remoting {

namespace {

wire::Connection connection_of(const Gateway& gateway, const Member& member) {
    const Session* session = gateway.sessions.find(member.session);
    return {member.client_id, session ? session->peer_text() : std::string(), member.language,
            member.version};
}

std::string queue_json(const Gateway& gateway, std::string_view topic, std::uint32_t number) {
    return fmt::format(R"({{"brokerName":{},"queueId":{},"topic":{}}})",
                       json_text(gateway.options.broker_name), number, json_text(topic));
}

}  // namespace

void get_consumer_connections(Call& call) {
    std::string_view group;
    if (!call.text("consumerGroup", group)) return;
    const ConsumerGroup* consumers = call.gateway.clients.consumers(group);
    if (!consumers)
        return call.fail(ResponseCode::consumer_not_online,
                         fmt::format("the consumer group[{}] not online", group));
    wire::ConsumerConnections shown{.connections = {},
                                    .subscriptions = {},
                                    .type = consumers->type,
                                    .model = consumers->model,
                                    .from = consumers->from};
    for (const Member& member : consumers->members)
        shown.connections.push_back(connection_of(call.gateway, member));
    for (const auto& [topic, subscription] : consumers->subscriptions)
        shown.subscriptions.push_back(subscription.data);
    call.ok_body([&](Buffer& out) { wire::write_consumer_connections(out, shown); });
}

void get_producer_connections(Call& call) {
    std::string_view group;
    if (!call.text("producerGroup", group)) return;
    const ProducerGroup* producers = call.gateway.clients.producers(group);
    if (!producers)
        return call.fail(ResponseCode::system_error, fmt::format("the producer group[{}] not exist", group));
    std::vector<wire::Connection> shown;
    for (const Member& member : producers->members)
        shown.push_back(connection_of(call.gateway, member));
    call.ok_body([&](Buffer& out) { wire::write_producer_connections(out, shown); });
}

void get_all_producers(Call& call) {
    std::string json = R"({"data":{)";
    const std::int64_t wall_ms = call.gateway.broker.now().wall_ms;
    call.gateway.clients.each_producers([&](const ProducerGroup& group) {
        if (json.back() != '{') json += ',';
        json += json_text(group.name) + ":[";
        for (const Member& member : group.members) {
            if (json.back() != '[') json += ',';
            const wire::Connection shown = connection_of(call.gateway, member);
            json += fmt::format(
                R"({{"clientId":{},"language":"{}","lastUpdateTimestamp":{},"remoteIP":{},"version":{}}})",
                json_text(shown.client_id), wire::name(shown.language),
                wall_ms - (call.gateway.steady_ms() - member.seen_ms), json_text(shown.address),
                shown.version);
        }
        json += ']';
    });
    call.ok_body(json + "}}");
}

void get_groups_of_topic(Call& call) {
    std::string_view topic;
    if (!call.text("topic", topic)) return;
    Gateway& gateway = call.gateway;
    std::set<std::string> groups;
    gateway.clients.each_consumers([&](const ConsumerGroup& group) {
        if (group.subscription(topic)) groups.insert(group.name);
    });
    gateway.catalog().each_group([&](const model::Group& group) {
        if (!deleted(group) && topics_with_progress(gateway, group.id).contains(std::string(topic)))
            groups.insert(group.name);
    });
    call.ok_body([&](Buffer& out) { wire::write_group_list(out, {groups.begin(), groups.end()}); });
}

void get_topics_of_group(Call& call) {
    std::string_view name;
    if (!call.text("group", name)) return;
    std::set<std::string> topics;
    if (const model::Group* group = call.session.group(name))
        topics = topics_with_progress(call.gateway, group->id);
    call.ok_body([&](Buffer& out) {
        wire::write_topic_list(out, {topics.begin(), topics.end()},
                               wire::to_string(call.session.advertised()));
    });
}

void get_subscription_of_group(Call& call) {
    std::string_view group, topic;
    if (!call.text("group", group) || !call.text("topic", topic)) return;
    const ConsumerGroup* consumers = call.gateway.clients.consumers(group);
    const Subscription* subscription = consumers ? consumers->subscription(topic) : nullptr;
    std::string json = fmt::format(R"({{"group":{},"topic":{})", json_text(group), json_text(topic));
    if (subscription) {
        const wire::SubscriptionData& data = subscription->data;
        json += fmt::format(
            R"(,"subscriptionData":{{"classFilterMode":{},"codeSet":[{}],"expressionType":{},)"
            R"("subString":{},"subVersion":{},"tagsSet":[{}],"topic":{}}})",
            data.class_filter, fmt::join(data.tag_codes, ","), json_text(data.expression_type),
            json_text(data.expression), data.version, json_texts(data.tags), json_text(data.topic));
    }
    call.ok_body(json + "}");
}

void get_consume_time_span(Call& call) {
    std::string_view name, group_name;
    if (!call.text("topic", name) || !call.text("group", group_name)) return;
    Gateway& gateway = call.gateway;
    const model::Topic* topic = call.session.topic(name);
    if (!topic) return call.fail(ResponseCode::topic_not_exist, fmt::format("topic[{}] not exist", name));
    const model::Group* group = call.session.group(group_name);
    std::string json = R"({"consumeTimeSpanSet":[)";
    StoreTimes times{gateway};
    for (std::uint32_t n = 0; n < topic->write_queues; ++n) {
        const model::QueueId queue = topic->queues[n];
        const store::Range range = gateway.broker.range(queue);
        const std::uint64_t consumed = group ? progress_or_zero(gateway, group->id, queue) : 0;
        const std::int64_t oldest = times.of(queue, {});
        const std::int64_t newest =
            range.empty() ? -1 : times.of(queue, model::QueueOffset(range.end.value() - 1));
        const std::int64_t last = consumed > 0 ? times.of(queue, model::QueueOffset(consumed - 1)) : oldest;
        const std::int64_t next = times.of(queue, std::max(model::QueueOffset(consumed), range.begin));
        const std::int64_t behind = next < 0 ? 0 : gateway.broker.now().wall_ms - next;
        if (n != 0) json += ',';
        json += fmt::format(
            R"({{"consumeTimeStamp":{},"delayTime":{},"maxTimeStamp":{},"messageQueue":{},"minTimeStamp":{}}})",
            last, behind, newest, queue_json(gateway, name, n), oldest);
    }
    if (times.loading && call.park()) return;
    call.ok_body(json + "]}");
}

void clone_group_offset(Call& call) {
    std::string_view from_name, to_name;
    bool offline = false;
    if (!call.text("srcGroup", from_name) || !call.text("destGroup", to_name) ||
        !call.truth_or("offline", false, offline))
        return;
    Gateway& gateway = call.gateway;
    const model::Group* from = gateway.catalog().group(from_name);
    if (!from)
        return call.fail(ResponseCode::subscription_group_not_exist,
                         fmt::format("subscription group [{}] does not exist", from_name));
    const auto to = find_or_create_group(gateway, call.session, to_name);
    if (!to) return call.fail(ResponseCode::subscription_group_not_exist, to.error().message);

    const std::string_view wanted = call.header.text("topic");
    std::vector<std::pair<model::QueueId, model::QueueOffset>> offsets;
    gateway.broker.each_progress(from->id, [&](model::QueueId queue, model::QueueOffset next) {
        const broker::QueueOwner owner = gateway.catalog().owner(queue);
        const model::Topic* topic =
            owner.kind == broker::QueueOwner::Kind::topic ? gateway.catalog().topic(owner.topic) : nullptr;
        if (!topic || (!wanted.empty() && topic->name != wanted)) return;
        if (!offline && not_subscribed(gateway, from_name, topic->name)) return;
        offsets.emplace_back(queue, next);
    });
    for (const auto& [queue, next] : offsets)
        if (const auto kept = gateway.broker.commit_progress((*to)->id, queue, next); !kept)
            return call.fail(kept.error());
    call.ok();
}

void get_all_consumer_offsets(Call& call) {
    std::map<std::string, std::map<std::int32_t, std::int64_t>> all;
    Gateway& gateway = call.gateway;
    gateway.catalog().each_group([&](const model::Group& group) {
        gateway.broker.each_progress(group.id, [&](model::QueueId queue, model::QueueOffset next) {
            const broker::QueueOwner owner = gateway.catalog().owner(queue);
            if (owner.kind != broker::QueueOwner::Kind::topic) return;
            const model::Topic* topic = gateway.catalog().topic(owner.topic);
            if (topic)
                all[topic->name + "@" + group.name][owner.number] = static_cast<std::int64_t>(next.value());
        });
    });
    call.ok_body([&](Buffer& out) { wire::write_consumer_offsets(out, all); });
}

}  // namespace posthorn::gateway::remoting
