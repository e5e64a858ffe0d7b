#include "base/log.h"
#include "call.h"
#include "catalog_rules.h"
#include "data_version.h"
#include "gateway.h"
#include "handlers.h"
#include "peek.h"

namespace posthorn::gateway::remoting {

namespace {

constexpr std::string_view kMultiTag = "MULTI_TAG";

/// A name a tool may make or delete; answers when it is not.
bool may_change(Call& call, std::string_view topic) {
    if (const std::string_view fault = topic_name_fault(topic); !fault.empty()) {
        call.fail(ResponseCode::system_error, fault);
        return false;
    }
    if (system_topic(call.gateway, topic)) {
        call.fail(ResponseCode::system_error,
                  fmt::format("The topic[{}] is conflict with system topic.", topic));
        return false;
    }
    return true;
}

wire::TopicConfig config_of(const model::Topic& topic) {
    return {.name = topic.name,
            .read_queues = static_cast<std::int32_t>(topic.read_queues),
            .write_queues = static_cast<std::int32_t>(topic.write_queues),
            .perm = static_cast<std::int32_t>(topic.permission.bits),
            .sys_flag = static_cast<std::int32_t>(topic.system_flag),
            .order = topic.ordered,
            .multi_tag = topic.attributes == kMultiTag};
}

}  // namespace

wire::DataVersion data_version(const Gateway& gateway) {
    return {.timestamp_ms = gateway.started_wall_ms,
            .counter = static_cast<std::int64_t>(gateway.broker.catalog().version()),
            .state_version = 0};
}

void put_topic(Call& call) {
    std::string_view topic;
    std::int32_t read_queues = 0, write_queues = 0, permission = 0, system_flag = 0;
    bool ordered = false;
    if (!call.text("topic", topic) || !call.number("readQueueNums", read_queues) ||
        !call.number("writeQueueNums", write_queues) || !call.number("perm", permission) ||
        !call.number_or("topicSysFlag", 0, system_flag) || !call.truth_or("order", false, ordered))
        return;
    if (!may_change(call, topic)) return;
    if (read_queues < 0 || write_queues < 0)
        return call.fail(ResponseCode::invalid_parameter, "a topic cannot have less than no queues");
    constexpr std::int32_t known_bits = 15;  // read, write, inherit, priority
    if (permission < 0 || (permission & ~known_bits) != 0)
        return call.fail(ResponseCode::invalid_parameter,
                         fmt::format("perm {} is none; 2 writes, 4 reads, 6 both", permission));
    const bool multi_tag = call.header.text("topicFilterType") == kMultiTag;
    const auto made =
        call.gateway.catalog().put_topic({.name = std::string(topic),
                                          .read_queues = static_cast<std::uint32_t>(read_queues),
                                          .write_queues = static_cast<std::uint32_t>(write_queues),
                                          .permission = {static_cast<std::uint32_t>(permission)},
                                          .ordered = ordered,
                                          .system_flag = static_cast<std::uint32_t>(system_flag),
                                          .attributes = multi_tag ? std::string(kMultiTag) : std::string()});
    if (!made) return call.fail(response_code(made.error().code), made.error().message);
    log_info("remoting", "topic {} set by {}: {} read and {} write queues, perm {}", topic,
             call.session.peer_text(), read_queues, write_queues, permission);
    call.ok();
}

void delete_topic(Call& call) {
    std::string_view topic;
    if (!call.text("topic", topic) || !may_change(call, topic)) return;
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
    for (std::uint32_t n = 0; n < topic->write_queues; ++n) {
        const store::Range range = gateway.broker.range(topic->queues[n]);
        const std::int64_t newest =
            range.empty() ? 0 : times.of(topic->queues[n], model::QueueOffset(range.end.value() - 1));
        stats[{topic->name, gateway.options.broker_name, static_cast<std::int32_t>(n)}] = {
            .min_offset = static_cast<std::int64_t>(range.begin.value()),
            .max_offset = static_cast<std::int64_t>(range.end.value()),
            .last_update_ms = std::max<std::int64_t>(newest, 0)};
    }
    if (times.loading && call.park()) return;
    auto writer = call.reply();
    wire::write_topic_stats(writer.body(), stats);
    if (const auto done = writer.finish(); !done) call.fail(done.error());
}

void get_all_topic_configs(Call& call) {
    std::vector<wire::TopicConfig> all;
    call.gateway.catalog().each_topic([&](const model::Topic& topic) { all.push_back(config_of(topic)); });
    auto writer = call.reply();
    wire::write_topic_configs(writer.body(), all, data_version(call.gateway));
    if (const auto done = writer.finish(); !done) call.fail(done.error());
}

void get_topic_config(Call& call) {
    std::string_view name;
    if (!call.text("topic", name)) return;
    const model::Topic* topic = call.session.topic(name);
    if (!topic)
        return call.fail(ResponseCode::topic_not_exist,
                         fmt::format("No topic in this broker. topic: {}", name));
    auto writer = call.reply();
    wire::write_topic_config(writer.body(), config_of(*topic));
    (void)writer.finish();
}

}  // namespace posthorn::gateway::remoting
