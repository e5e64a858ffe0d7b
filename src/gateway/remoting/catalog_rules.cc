#include "catalog_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/log.h"
#include "gateway.h"
#include "model/topic.h"

namespace posthorn::gateway::remoting {

namespace {

constexpr std::uint32_t kReadWrite = model::Permission::read_bit | model::Permission::write_bit;
constexpr std::uint32_t kInherit = model::Permission::inherit_bit;
constexpr std::uint32_t kBenchmarkQueues = 1024;  // the original's
constexpr std::uint32_t kClusterTopicQueues = 16;

constexpr std::array<std::string_view, 12> kSystemGroups{
    "TOOLS_CONSUMER",   "FILTERSRV_CONSUMER",    "SELF_TEST_C_GROUP", "SELF_TEST_P_GROUP",
    "DEFAULT_CONSUMER", "__MONITOR_CONSUMER",    "SCHEDULE_CONSUMER", "CLIENT_INNER_PRODUCER",
    "CID_ONSAPI_OWNER", "CID_ONSAPI_PERMISSION", "CID_ONSAPI_PULL",   "CID_ONS-HTTP-PROXY"};

std::string reply_topic(const Gateway& gateway) {
    return gateway.options.cluster_name + "_REPLY_TOPIC";
}

}  // namespace

std::vector<std::string> system_topics(const Gateway& gateway) {
    std::vector<std::string> names;
    for (const std::string_view name :
         {kTemplateTopic, kSelfTestTopic, kBenchmarkTopic, kOffsetMovedTopic, kScheduleTopic, kTraceTopic,
          kHalfTopic, kHalfOpTopic, kCheckMaxTopic})
        names.emplace_back(name);
    names.push_back(gateway.options.cluster_name);
    names.push_back(gateway.options.broker_name);
    names.push_back(reply_topic(gateway));
    return names;
}

bool system_topic(const Gateway& gateway, std::string_view topic) {
    if (topic.starts_with("rmq_sys_")) return true;
    const auto names = system_topics(gateway);
    return std::find(names.begin(), names.end(), topic) != names.end();
}

bool system_group(std::string_view group) {
    return group.starts_with("CID_RMQ_SYS_") ||
           std::find(kSystemGroups.begin(), kSystemGroups.end(), group) != kSystemGroups.end();
}

Result<void> put_system_names(Gateway& gateway) {
    const RemotingOptions& options = gateway.options;
    struct Spec {
        std::string name;
        std::uint32_t queues;
        std::uint32_t permission;
    };
    std::vector<Spec> specs{
        {std::string(kSelfTestTopic), 1, kReadWrite},
        {std::string(kBenchmarkTopic), kBenchmarkQueues, kReadWrite},
        {options.cluster_name, kClusterTopicQueues, kInherit | (options.cluster_topic ? kReadWrite : 0)},
        {options.broker_name, 1, kInherit | (options.broker_topic ? kReadWrite : 0)},
        {std::string(kOffsetMovedTopic), 1, kReadWrite},
        {std::string(kScheduleTopic), static_cast<std::uint32_t>(options.delay_levels.size()), kReadWrite},
        {reply_topic(gateway), 1, kReadWrite},
    };
    // Without automatic creation the template is there for nobody.
    if (options.auto_create_topics)
        specs.push_back({std::string(kTemplateTopic), options.default_topic_queues, kInherit | kReadWrite});
    else if (gateway.catalog().topic(kTemplateTopic))
        if (const auto gone = gateway.catalog().delete_topic(kTemplateTopic); !gone) return gone.error();

    for (const Spec& spec : specs) {
        if (gateway.catalog().topic(spec.name) && spec.name != kTemplateTopic) continue;
        const auto put = gateway.catalog().put_topic({.name = spec.name,
                                                      .read_queues = spec.queues,
                                                      .write_queues = spec.queues,
                                                      .permission = {spec.permission},
                                                      .attributes = {}});
        if (!put) return put.error();
    }
    for (const std::string_view name : kSystemGroups) {
        if (gateway.catalog().group(name)) continue;
        model::Group group;
        group.name = name;
        if (const auto put = gateway.catalog().put_group(group); !put) return put.error();
    }
    return {};
}

Result<const model::Topic*> create_for_send(Gateway& gateway, std::string_view topic,
                                            std::string_view default_topic, std::int32_t wanted_queues) {
    const bool off = default_topic == kTemplateTopic && !gateway.options.auto_create_topics;
    const model::Topic* pattern = off ? nullptr : gateway.catalog().topic(default_topic);
    if (!pattern || !pattern->permission.inherited()) {
        if (topic.starts_with(kRetryPrefix)) return create_for_group(gateway, topic, 1);
        return nullptr;
    }
    const auto queues =
        static_cast<std::uint32_t>(std::clamp<std::int64_t>(wanted_queues, 0, pattern->write_queues));
    const auto made = gateway.catalog().put_topic({.name = std::string(topic),
                                                   .read_queues = queues,
                                                   .write_queues = queues,
                                                   .permission = {pattern->permission.bits & ~kInherit},
                                                   .attributes = {}});
    if (made) log_info("remoting", "topic {} made after {} with {} queues", topic, default_topic, queues);
    return made;
}

Result<const model::Topic*> create_for_group(Gateway& gateway, std::string_view topic, std::uint32_t queues) {
    if (const model::Topic* known = gateway.catalog().topic(topic)) return known;
    return gateway.catalog().put_topic({.name = std::string(topic),
                                        .read_queues = queues,
                                        .write_queues = queues,
                                        .permission = {kReadWrite},
                                        .attributes = {}});
}

Result<const model::Group*> find_or_create_group(Gateway& gateway, Session& session, std::string_view name) {
    const model::Group* known = session.group(name);
    if (known && !deleted(*known)) return known;
    if (!gateway.options.auto_create_groups && !system_group(name))
        return Error{
            Errc::not_found,
            fmt::format("subscription group [{}] does not exist; create it with updateSubGroup", name)};
    if (name.size() > kGroupLengthMax || !model::legal_name(name))
        return Error{Errc::not_found,
                     fmt::format("subscription group [{}] does not exist and cannot: a name has 1 to {} "
                                 "characters of ^[%|a-zA-Z0-9_-]+$",
                                 name.substr(0, kGroupLengthMax), kGroupLengthMax)};
    model::Group group;
    group.name = name;
    return gateway.catalog().put_group(group);
}

}  // namespace posthorn::gateway::remoting
