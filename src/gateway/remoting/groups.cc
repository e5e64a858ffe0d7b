#include "base/log.h"
#include "call.h"
#include "catalog_rules.h"
#include "data_version.h"
#include "gateway.h"
#include "handlers.h"

namespace posthorn::gateway::remoting {

namespace {

// What the original's group has and ours does not need is kept as it came, as the body's own JSON in the
// group's attributes, and given back.

model::Group group_of(const wire::SubscriptionGroup& config, Bytes json) {
    model::Group group;
    group.name = config.name;
    group.consume_enabled = config.consume_enable;
    group.broadcast_enabled = config.consume_broadcast_enable;
    group.from_min_enabled = config.consume_from_min_enable;
    group.ordered = config.consume_orderly;
    group.retry_queues = static_cast<std::uint32_t>(std::max(config.retry_queues, 0));
    group.retry_max = config.retry_max_times;
    group.notify_members = config.notify_consumer_ids_changed;
    group.attributes = as_text(json);
    return group;
}

wire::SubscriptionGroup config_of(const model::Group& group) {
    wire::SubscriptionGroup config;
    if (!group.attributes.empty())
        if (auto kept = wire::parse_subscription_group(as_bytes(group.attributes))) config = std::move(*kept);
    config.name = group.name;
    config.consume_enable = group.consume_enabled;
    config.consume_broadcast_enable = group.broadcast_enabled;
    config.consume_from_min_enable = group.from_min_enabled;
    config.consume_orderly = group.ordered;
    config.retry_queues = static_cast<std::int32_t>(group.retry_queues);
    config.retry_max_times = group.retry_max;
    config.notify_consumer_ids_changed = group.notify_members;
    return config;
}

Result<void> put(Call& call, const wire::SubscriptionGroup& config) {
    Buffer json;
    wire::write_subscription_group(json, config);
    const auto made = call.gateway.catalog().put_group(group_of(config, json.view()));
    if (!made) return made.error();
    log_info("remoting", "group {} set by {}: consume {}, retries {}", config.name, call.session.peer_text(),
             config.consume_enable ? "on" : "off", config.retry_max_times);
    return {};
}

}  // namespace

void put_group(Call& call) {
    const auto config = wire::parse_subscription_group(call.body);
    if (!config) return call.fail(config.error());
    if (const auto made = put(call, *config); !made)
        return call.fail(response_code(made.error().code), made.error().message);
    call.ok();
}

void put_groups(Call& call) {
    const auto configs = wire::parse_subscription_groups(call.body);
    if (!configs) return call.fail(configs.error());
    for (const wire::SubscriptionGroup& config : *configs)
        if (!model::legal_name(config.name))
            return call.fail(
                ResponseCode::invalid_parameter,
                fmt::format("The specified group: {}, contains illegal characters, allowing only "
                            "^[%|a-zA-Z0-9_-]+$",
                            config.name));
    for (const wire::SubscriptionGroup& config : *configs)
        if (const auto made = put(call, config); !made)
            return call.fail(response_code(made.error().code), made.error().message);
    call.ok();
}

void delete_group(Call& call) {
    std::string_view name;
    bool clean = false;
    if (!call.text("groupName", name) || !call.truth_or("cleanOffset", false, clean) ||
        !call.truth_or("removeOffset", clean, clean))
        return;
    broker::Catalog& catalog = call.gateway.catalog();
    const model::Group* group = catalog.group(name);
    if (!group) return call.ok();
    if (clean) {
        const model::GroupId id = group->id;
        if (const auto done = catalog.delete_group(name); !done) return call.fail(done.error());
        call.gateway.broker.forget_progress(id);
    } else {
        model::Group mark;
        mark.name = name;
        mark.attributes = kDeletedGroup;
        if (const auto done = catalog.put_group(mark); !done) return call.fail(done.error());
    }
    log_info("remoting", "group {} deleted by {}, {} its offsets", name, call.session.peer_text(),
             clean ? "with" : "without");
    call.ok();
}

void get_all_group_configs(Call& call) {
    std::vector<wire::SubscriptionGroup> all;
    call.gateway.catalog().each_group([&](const model::Group& group) {
        if (!deleted(group)) all.push_back(config_of(group));
    });
    call.ok_body([&](Buffer& out) { wire::write_subscription_groups(out, all, data_version(call.gateway)); });
}

void get_group_config(Call& call) {
    std::string_view name;
    if (!call.text("group", name)) return;
    const model::Group* group = call.session.group(name);
    if (!group || deleted(*group))
        return call.fail(ResponseCode::subscription_group_not_exist,
                         fmt::format("No group in this broker. group: {}", name));
    call.ok_body([&](Buffer& out) { wire::write_subscription_group(out, config_of(*group)); });
}

}  // namespace posthorn::gateway::remoting
