#include "base/log.h"
#include "call.h"
#include "catalog_rules.h"
#include "data_version.h"
#include "gateway.h"
#include "handlers.h"
#include "peek.h"
#include "topic_attributes.h"

namespace posthorn::gateway::remoting {

namespace {

/// Why a tool may not make or delete a topic of this name; empty if it may.
std::string name_fault(const Gateway& gateway, std::string_view topic) {
    if (const std::string_view fault = topic_name_fault(topic); !fault.empty()) return std::string(fault);
    if (system_topic(gateway, topic))
        return fmt::format("The topic[{}] is conflict with system topic.", topic);
    return {};
}

struct Refusal {
    ResponseCode code = ResponseCode::success;
    std::string why;
};

/// Checks what a tool wants of a topic, and says it in the engine's terms.
Refusal plan(Gateway& gateway, const wire::TopicConfig& wanted, broker::TopicSpec& spec) {
    if (std::string fault = name_fault(gateway, wanted.name); !fault.empty())
        return {ResponseCode::system_error, std::move(fault)};
    if (wanted.read_queues < 0 || wanted.write_queues < 0)
        return {ResponseCode::invalid_parameter, "a topic cannot have less than no queues"};
    constexpr std::int32_t known_bits = 15;  // read, write, inherit, priority
    if (wanted.perm < 0 || (wanted.perm & ~known_bits) != 0)
        return {ResponseCode::invalid_parameter,
                fmt::format("perm {} is none; 2 writes, 4 reads, 6 both", wanted.perm)};
    if (const auto type = wanted.attributes.find("+message.type");
        type != wanted.attributes.end() && type->second == "MIXED")
        return {ResponseCode::invalid_parameter, "MIXED message type is not supported."};
    const model::Topic* current = gateway.catalog().topic(wanted.name);
    const TopicExtras extras = TopicExtras::read(current ? current->attributes : std::string_view());
    const auto attributes = change_attributes(extras.attributes, wanted.attributes, !current);
    if (!attributes) return {ResponseCode::system_error, attributes.error().message};
    spec = {.name = wanted.name,
            .read_queues = static_cast<std::uint32_t>(wanted.read_queues),
            .write_queues = static_cast<std::uint32_t>(wanted.write_queues),
            .permission = {static_cast<std::uint32_t>(wanted.perm)},
            .ordered = wanted.order,
            .system_flag = static_cast<std::uint32_t>(wanted.sys_flag),
            .attributes = TopicExtras{wanted.multi_tag, *attributes}.kept()};
    return {};
}

/// Makes all of them or, when one may not be made, none.
void put_all(Call& call, const std::vector<wire::TopicConfig>& topics) {
    std::vector<broker::TopicSpec> specs(topics.size());
    for (std::size_t n = 0; n < topics.size(); ++n)
        if (const Refusal refusal = plan(call.gateway, topics[n], specs[n]);
            refusal.code != ResponseCode::success)
            return call.fail(refusal.code, refusal.why);
    for (const broker::TopicSpec& spec : specs) {
        const auto made = call.gateway.catalog().put_topic(spec);
        if (!made) return call.fail(response_code(made.error().code), made.error().message);
        log_info("remoting", "topic {} set by {}: {} read and {} write queues, perm {}", spec.name,
                 call.session.peer_text(), spec.read_queues, spec.write_queues, spec.permission.bits);
    }
    call.ok();
}

wire::TopicConfig config_of(const model::Topic& topic) {
    TopicExtras extras = TopicExtras::read(topic.attributes);
    return {.name = topic.name,
            .read_queues = static_cast<std::int32_t>(topic.read_queues),
            .write_queues = static_cast<std::int32_t>(topic.write_queues),
            .perm = static_cast<std::int32_t>(topic.permission.bits),
            .sys_flag = static_cast<std::int32_t>(topic.system_flag),
            .order = topic.ordered,
            .multi_tag = extras.multi_tag,
            .attributes = std::move(extras.attributes)};
}

}  // namespace

wire::DataVersion data_version(const Gateway& gateway) {
    return {.timestamp_ms = gateway.started_wall_ms,
            .counter = static_cast<std::int64_t>(gateway.broker.catalog().version()),
            .state_version = 0};
}

void put_topic(Call& call) {
    wire::TopicConfig wanted;
    std::string_view topic;
    if (!call.text("topic", topic) || !call.number("readQueueNums", wanted.read_queues) ||
        !call.number("writeQueueNums", wanted.write_queues) || !call.number("perm", wanted.perm) ||
        !call.number_or("topicSysFlag", 0, wanted.sys_flag) || !call.truth_or("order", false, wanted.order))
        return;
    wanted.name = topic;
    wanted.multi_tag = call.header.text("topicFilterType") == "MULTI_TAG";
    auto change = parse_attribute_change(call.header.text("attributes"));
    if (!change) return call.fail(ResponseCode::system_error, change.error().message);
    wanted.attributes = std::move(*change);
    put_all(call, {std::move(wanted)});
}

void put_topics(Call& call) {
    const auto topics = wire::parse_topic_configs(call.body);
    if (!topics) return call.fail(topics.error());
    put_all(call, *topics);
}

void delete_topic(Call& call) {
    std::string_view topic;
    if (!call.text("topic", topic)) return;
    if (const std::string fault = name_fault(call.gateway, topic); !fault.empty())
        return call.fail(ResponseCode::system_error, fault);
    if (call.gateway.catalog().topic(topic)) {
        const auto done = call.gateway.catalog().delete_topic(topic);
        if (!done) return call.fail(response_code(done.error().code), done.error().message);
        log_info("remoting", "topic {} deleted by {}", topic, call.session.peer_text());
    }
    call.ok();
}

void get_topic_stats(Call& call) {
    std::string_view name;
    if (!call.text("topic", name)) return;
    Gateway& gateway = call.gateway;
    const model::Topic* topic = call.session.topic(name);
    if (!topic) return call.fail(ResponseCode::topic_not_exist, fmt::format("topic[{}] not exist", name));
    std::map<wire::MessageQueue, wire::TopicOffset> stats;
    StoreTimes times{gateway};
    for (std::uint32_t n = 0; n < std::max(topic->write_queues, topic->read_queues); ++n) {
        const store::Range range = gateway.broker.range(topic->queues[n]);
        const std::int64_t newest =
            range.empty() ? 0 : times.of(topic->queues[n], model::QueueOffset(range.end.value() - 1));
        stats[{topic->name, gateway.options.broker_name, static_cast<std::int32_t>(n)}] = {
            .min_offset = static_cast<std::int64_t>(range.begin.value()),
            .max_offset = static_cast<std::int64_t>(range.end.value()),
            .last_update_ms = std::max<std::int64_t>(newest, 0)};
    }
    if (times.loading && call.park()) return;
    call.ok_body(
        [&](Buffer& out) { wire::write_topic_stats(out, stats, gateway.traffic.put_tps(topic->id)); });
}

void get_all_topic_configs(Call& call) {
    std::vector<wire::TopicConfig> all;
    call.gateway.catalog().each_topic([&](const model::Topic& topic) { all.push_back(config_of(topic)); });
    call.ok_body([&](Buffer& out) { wire::write_topic_configs(out, all, data_version(call.gateway)); });
}

void get_topic_config(Call& call) {
    std::string_view name;
    if (!call.text("topic", name)) return;
    const model::Topic* topic = call.session.topic(name);
    if (!topic)
        return call.fail(ResponseCode::topic_not_exist,
                         fmt::format("No topic in this broker. topic: {}", name));
    call.ok_body([&](Buffer& out) { wire::write_topic_config(out, config_of(*topic)); });
}

}  // namespace posthorn::gateway::remoting
