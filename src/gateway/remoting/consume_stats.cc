#include "call.h"
#include "catalog_rules.h"
#include "gateway.h"
#include "group_progress.h"
#include "handlers.h"

namespace posthorn::gateway::remoting {

namespace {

/// Topics a tool names (5.x), parted by semicolons.
std::set<std::string> listed(std::string_view text) {
    std::set<std::string> topics;
    while (!text.empty()) {
        const std::string_view one = text.substr(0, text.find(';'));
        text.remove_prefix(std::min(text.size(), one.size() + 1));
        if (!one.empty()) topics.emplace(one);
    }
    return topics;
}

/// The topics a tool asks about: those it lists, the one it names, or all the group reads.
std::set<std::string> wanted_topics(Call& call, const model::Group& group) {
    Gateway& gateway = call.gateway;
    if (auto topics = listed(call.header.text("topicList")); !topics.empty()) return topics;
    std::set<std::string> topics;
    if (const std::string_view one = call.header.text("topic"); !one.empty())
        topics.emplace(one);
    else
        topics = topics_with_progress(gateway, group.id);
    std::erase_if(topics,
                  [&](const std::string& topic) { return not_subscribed(gateway, group.name, topic); });
    return topics;
}

}  // namespace

void get_consume_stats(Call& call) {
    std::string_view name;
    if (!call.text("consumerGroup", name)) return;
    Gateway& gateway = call.gateway;
    wire::ConsumeStats all;
    StoreTimes times{gateway};
    if (const model::Group* group = call.session.group(name)) {
        for (const std::string& topic_name : wanted_topics(call, *group)) {
            const model::Topic* topic = gateway.catalog().topic(topic_name);
            if (!topic) continue;
            wire::ConsumeStats stats = consume_stats(times, *group, *topic);
            all.queues.merge(stats.queues);
            all.tps += stats.tps;
        }
    }
    if (times.loading && call.park()) return;
    call.ok_body([&](Buffer& out) { wire::write_consume_stats(out, all); });
}

void get_broker_consume_stats(Call& call) {
    bool ordered_only = false;
    if (!call.truth_or("isOrder", false, ordered_only)) return;
    Gateway& gateway = call.gateway;
    std::vector<wire::GroupConsumeStats> groups;
    StoreTimes times{gateway};
    gateway.catalog().each_group([&](const model::Group& group) {
        if (deleted(group)) return;
        groups.push_back({group.name, {}});
        for (const std::string& name : topics_with_progress(gateway, group.id)) {
            const model::Topic* topic = gateway.catalog().topic(name);
            if (!topic || (ordered_only && !topic->ordered) || not_subscribed(gateway, group.name, name))
                continue;
            groups.back().topics.push_back(consume_stats(times, group, *topic));
        }
    });
    if (times.loading && call.park()) return;
    call.ok_body([&](Buffer& out) {
        wire::write_broker_consume_stats(out, wire::to_string(call.session.advertised()), groups);
    });
}

}  // namespace posthorn::gateway::remoting
