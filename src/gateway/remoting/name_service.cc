#include "call.h"
#include "catalog_rules.h"
#include "gateway.h"
#include "handlers.h"
#include "wire/remoting/bodies.h"
#include "wire/remoting/route.h"

namespace posthorn::gateway::remoting {

namespace {

// Key-value configuration lies in the engine's settings under this prefix of the client's namespace.
constexpr std::string_view kSpacePrefix = "remoting.kv/";
constexpr std::string_view kOrderSpace = "ORDER_TOPIC_CONFIG";

std::string space_of(std::string_view name_space) {
    std::string space(kSpacePrefix);
    return space.append(name_space);
}

wire::BrokerData this_broker(Call& call) {
    const RemotingOptions& options = call.gateway.options;
    return {options.cluster_name, options.broker_name, {{0, wire::to_string(call.session.advertised())}}};
}

std::int32_t shown_permission(const Gateway& gateway, const model::Topic& topic) {
    const std::uint32_t bits =
        gateway.write_wiped ? topic.permission.bits & ~model::Permission::write_bit : topic.permission.bits;
    return static_cast<std::int32_t>(bits);
}

std::vector<std::string> all_topics(Gateway& gateway) {
    std::vector<std::string> names;
    names.reserve(gateway.catalog().topic_count());
    gateway.catalog().each_topic([&](const model::Topic& topic) { names.push_back(topic.name); });
    return names;
}

void answer_topics(Call& call, const std::vector<std::string>& names, std::string_view broker_address = {}) {
    call.ok_body([&](Buffer& out) { wire::write_topic_list(out, names, broker_address); });
}

/// Sets or clears the wipe for this broker and says how many topics it concerned.
void switch_write_permission(Call& call, bool wiped, std::string_view count_field) {
    std::string_view broker;
    if (!call.text("brokerName", broker)) return;
    std::int64_t concerned = 0;
    if (broker == call.gateway.options.broker_name) {
        call.gateway.write_wiped = wiped;
        concerned = static_cast<std::int64_t>(call.gateway.catalog().topic_count());
    }
    auto writer = call.reply();
    writer.field(count_field, concerned);
    (void)writer.finish();
}

}  // namespace

void get_route(Call& call) {
    std::string_view name;
    if (!call.text("topic", name)) return;
    const model::Topic* topic = call.session.topic(name);
    if (!topic)
        return call.fail(ResponseCode::topic_not_exist,
                         fmt::format("No topic route info in name server for the topic: {}. Create it with "
                                     "updateTopic, or let a producer create it (autoCreateTopicEnable)",
                                     name));
    wire::TopicRoute route;
    if (call.gateway.options.order_topics)
        if (const std::string* order = call.gateway.catalog().setting(space_of(kOrderSpace), name))
            route.order_conf = *order;
    route.queues.push_back({.broker_name = call.gateway.options.broker_name,
                            .read_queues = static_cast<std::int32_t>(topic->read_queues),
                            .write_queues = static_cast<std::int32_t>(topic->write_queues),
                            .perm = shown_permission(call.gateway, *topic),
                            .sys_flag = static_cast<std::int32_t>(topic->system_flag)});
    route.brokers.push_back(this_broker(call));
    call.ok_body([&](Buffer& out) { wire::write_route(out, route); });
}

void get_cluster_info(Call& call) {
    const RemotingOptions& options = call.gateway.options;
    call.ok_body([&](Buffer& out) {
        wire::write_cluster_info(out, {{this_broker(call)}, {{options.cluster_name, {options.broker_name}}}});
    });
}

void get_all_topic_names(Call& call) {
    answer_topics(call, all_topics(call.gateway));
}

void get_topics_of_cluster(Call& call) {
    std::string_view cluster;
    if (!call.text("cluster", cluster)) return;
    answer_topics(call, cluster == call.gateway.options.cluster_name ? all_topics(call.gateway)
                                                                     : std::vector<std::string>());
}

void get_system_topic_names(Call& call) {
    // The name service names cluster and brokers, a broker its own topics; tools take both and join them.
    answer_topics(call, system_topics(call.gateway), wire::to_string(call.session.advertised()));
}

void put_kv_config(Call& call) {
    std::string_view name_space, key, value;
    if (!call.text("namespace", name_space) || !call.text("key", key) || !call.text("value", value)) return;
    const RemotingOptions& options = call.gateway.options;
    if (name_space.size() + key.size() + value.size() > options.kv_bytes_max)
        return call.fail(ResponseCode::system_error,
                         fmt::format("an entry of the KV config has at most {} bytes", options.kv_bytes_max));
    broker::Catalog& catalog = call.gateway.catalog();
    if (!catalog.setting(space_of(name_space), key) && catalog.setting_count() >= options.kv_entries_max)
        return call.fail(ResponseCode::system_error,
                         fmt::format("the KV config holds {} entries, as many as it may; delete some",
                                     catalog.setting_count()));
    catalog.set(space_of(name_space), key, value);
    call.ok();
}

void get_kv_config(Call& call) {
    std::string_view name_space, key;
    if (!call.text("namespace", name_space) || !call.text("key", key)) return;
    const std::string* value = call.gateway.catalog().setting(space_of(name_space), key);
    if (!value)
        return call.fail(ResponseCode::query_not_found,
                         fmt::format("No config item, Namespace: {} Key: {}", name_space, key));
    auto writer = call.reply();
    writer.field("value", *value);
    (void)writer.finish();
}

void delete_kv_config(Call& call) {
    std::string_view name_space, key;
    if (!call.text("namespace", name_space) || !call.text("key", key)) return;
    call.gateway.catalog().unset(space_of(name_space), key);
    call.ok();
}

void get_kv_namespace(Call& call) {
    std::string_view name_space;
    if (!call.text("namespace", name_space)) return;
    std::vector<std::pair<std::string, std::string>> table;
    call.gateway.catalog().each_setting(
        space_of(name_space),
        [&](const std::string& key, const std::string& value) { table.emplace_back(key, value); });
    if (table.empty())
        return call.fail(ResponseCode::query_not_found,
                         fmt::format("No config item, Namespace: {}", name_space));
    call.ok_body([&](Buffer& out) { wire::write_kv_table(out, table); });
}

void wipe_write_permission(Call& call) {
    switch_write_permission(call, true, "wipeTopicCount");
}

void add_write_permission(Call& call) {
    switch_write_permission(call, false, "addTopicCount");
}

void delete_topic_route(Call& call) {
    // Name service and broker share one table here, so a route goes with its topic (215); a tool asks both.
    std::string_view topic;
    if (!call.text("topic", topic)) return;
    call.ok();
}

}  // namespace posthorn::gateway::remoting
