#include "base/log.h"
#include "call.h"
#include "catalog_rules.h"
#include "gateway.h"
#include "handlers.h"
#include "names.h"
#include "wire/remoting/bodies.h"

namespace posthorn::gateway::remoting {

namespace {

/// The group and its retry topic, made if they are not there. Members of a group that may not be made are
/// still registered, as in the original: their pulls are refused.
bool prepare_group(Call& call, const std::string& name) {
    const auto group = find_or_create_group(call.gateway, call.session, name);
    if (!group) return true;
    const auto retry = create_for_group(call.gateway, retry_topic(name), (*group)->retry_queues);
    if (!retry) log_warn("remoting", "no retry topic for group {}: {}", name, retry.error().message);
    return (*group)->notify_members;
}

Result<std::vector<Subscription>> subscriptions_of(Gateway& gateway, const wire::ConsumerData& consumer) {
    std::vector<Subscription> all;
    for (const wire::SubscriptionData& data : consumer.subscriptions) {
        Filter filter;
        if (tag_type(data.expression_type) && !data.class_filter) {
            auto parsed = gateway.subscriptions.filter(data.expression);
            if (!parsed) return parsed.error();
            filter = std::move(*parsed);
        }
        all.push_back({data, std::move(filter)});
    }
    return all;
}

}  // namespace

void heartbeat(Call& call) {
    Gateway& gateway = call.gateway;
    if (call.body.size() > gateway.options.heartbeat_bytes_max)
        return call.fail(ResponseCode::system_error,
                         fmt::format("a heartbeat of {} bytes; {} is the most", call.body.size(),
                                     gateway.options.heartbeat_bytes_max));
    const auto news = wire::parse_heartbeat(call.body);
    if (!news) return call.fail(news.error());
    if (news->client_id.size() > kClientIdLengthMax)
        return call.fail(ResponseCode::system_error,
                         fmt::format("a client's id has at most {} bytes", kClientIdLengthMax));
    const std::size_t most = gateway.options.groups_per_client_max;
    if (news->consumers.size() + news->producer_groups.size() > most ||
        gateway.clients.groups_after(call.session.handle(), *news) > most) {
        ++gateway.counters.busy_refusals;
        return call.fail(ResponseCode::system_error,
                         fmt::format("a client may be in at most {} groups", most));
    }
    const Member member{call.session.handle(), news->client_id, call.header.language, call.header.version,
                        gateway.steady_ms()};
    for (const wire::ConsumerData& consumer : news->consumers) {
        auto subscriptions = subscriptions_of(gateway, consumer);
        if (!subscriptions)
            return call.fail(ResponseCode::subscription_parse_failed, subscriptions.error().message);
        const bool notify = prepare_group(call, consumer.group);
        gateway.clients.join_consumers(member, consumer, std::move(*subscriptions), notify);
    }
    for (const std::string& group : news->producer_groups)
        gateway.clients.join_producers(member, group);
    call.ok();
}

void unregister_client(Call& call) {
    // The C++ client writes what it does not mean as an empty text.
    const std::string_view producers = call.header.text("producerGroup");
    const std::string_view consumers = call.header.text("consumerGroup");
    if (!producers.empty()) call.gateway.clients.leave_producers(call.session.handle(), producers);
    if (!consumers.empty()) call.gateway.clients.leave_consumers(call.session.handle(), consumers);
    call.ok();
}

void get_consumer_list(Call& call) {
    std::string_view group;
    if (!call.text("consumerGroup", group)) return;
    const ConsumerGroup* consumers = call.gateway.clients.consumers(group);
    if (!consumers)
        return call.fail(ResponseCode::system_error, fmt::format("no consumer for this group, {}", group));
    std::vector<std::string> ids;
    for (const Member& member : consumers->members)
        ids.push_back(member.client_id);
    call.ok_body([&](Buffer& out) { wire::write_consumer_list(out, ids); });
}

void check_client_config(Call& call) {
    const auto check = wire::parse_client_check(call.body);
    if (!check) return call.fail(check.error());
    if (!tag_type(check->subscription.expression_type))
        return call.fail(ResponseCode::system_error,
                         fmt::format("The broker does not support consumer to filter message by {}",
                                     check->subscription.expression_type));
    call.ok();
}

}  // namespace posthorn::gateway::remoting
