#include <optional>
#include <span>

#include "base/log.h"
#include "call.h"
#include "gateway.h"
#include "handlers.h"

namespace posthorn::gateway::remoting {

namespace {

/// A switch that can be turned while the broker runs, by the original's name.
struct Switch {
    std::string_view key;
    bool RemotingOptions::*flag;
};

constexpr Switch kBrokerSwitches[]{
    {"autoCreateTopicEnable", &RemotingOptions::auto_create_topics},
    {"autoCreateSubscriptionGroup", &RemotingOptions::auto_create_groups},
    {"traceOn", &RemotingOptions::trace_on},
};
constexpr Switch kNameServiceSwitches[]{
    {"orderMessageEnable", &RemotingOptions::order_topics},
};

/// "true" or "false", whatever case; nothing for anything else.
std::optional<bool> truth(std::string_view text) {
    const auto parsed = wire::parse_bool(text);
    return parsed.ok() ? std::optional(parsed.value) : std::nullopt;
}

/// Why it cannot be changed so; empty when it now is.
std::string change(RemotingOptions& options, std::span<const Switch> switches, std::string_view key,
                   std::string_view value) {
    std::string known;
    for (const Switch& each : switches) {
        known += fmt::format("{}{}", known.empty() ? "" : ", ", each.key);
        if (each.key != key) continue;
        const auto wanted = truth(value);
        if (!wanted) return fmt::format("{} is true or false, not '{}'", key, value);
        options.*each.flag = *wanted;
        return {};
    }
    return fmt::format(
        "{} cannot be changed while the broker runs; of this configuration only {} can. Change the "
        "configuration file and restart",
        key, known);
}

/// Takes "key=value" lines, all of them or none.
void update_config(Call& call, std::span<const Switch> switches) {
    std::string_view rest = as_text(call.body);
    RemotingOptions changed = call.gateway.options;
    std::size_t count = 0;
    while (!rest.empty()) {
        std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        if (line.ends_with('\r')) line.remove_suffix(1);
        const auto equals = line.find('=');
        if (equals == std::string_view::npos || line.front() == '#') continue;
        const std::string fault = change(changed, switches, line.substr(0, equals), line.substr(equals + 1));
        if (!fault.empty()) return call.fail(ResponseCode::no_permission, fault);
        log_info("remoting", "{} set by {}", line, call.session.peer_text());
        ++count;
    }
    if (count == 0) return call.fail(ResponseCode::system_error, "no key=value in the request");
    call.gateway.change_options(std::move(changed));
    call.ok();
}

}  // namespace

void get_broker_config(Call& call) {
    const RemotingOptions& options = call.gateway.options;
    std::string text = fmt::format(
        "brokerClusterName={}\nbrokerName={}\nbrokerId=0\nbrokerIP1={}\nlistenPort={}\nbrokerRole=ASYNC_"
        "MASTER\n"
        "flushDiskType={}\nautoCreateTopicEnable={}\nautoCreateSubscriptionGroup={}\ndefaultTopicQueueNums={}"
        "\n"
        "clusterTopicEnable={}\nbrokerTopicEnable={}\nregionId={}\ntraceOn={}\nmaxMessageSize={}\n"
        "fileReservedTime={}\ndeleteWhen={:02}\n",
        options.cluster_name, options.broker_name,
        wire::to_string(call.session.advertised())
            .substr(0, wire::to_string(call.session.advertised()).rfind(':')),
        options.broker_port,
        call.gateway.broker.options().flush == broker::Flush::sync ? "SYNC_FLUSH" : "ASYNC_FLUSH",
        options.auto_create_topics, options.auto_create_groups, options.default_topic_queues,
        options.cluster_topic, options.broker_topic, options.region, options.trace_on,
        call.gateway.message_max(), call.gateway.broker.options().retention_ms / 3'600'000,
        call.gateway.broker.options().delete_hour);
    for (const auto& [key, value] : options.shown_config)
        text += key + "=" + value + "\n";
    auto writer = call.reply();
    writer.field("version", fmt::format(R"({{"counter":{},"timestamp":{}}})",
                                        call.gateway.catalog().version(), call.gateway.started_wall_ms));
    writer.body().append(text);
    (void)writer.finish();
}

void update_broker_config(Call& call) {
    update_config(call, kBrokerSwitches);
}

void get_name_service_config(Call& call) {
    const RemotingOptions& options = call.gateway.options;
    call.ok_body(fmt::format("listenPort={}\nbindAddress={}\norderMessageEnable={}\n",
                             options.name_service_port, options.bind_address, options.order_topics));
}

void update_name_service_config(Call& call) {
    update_config(call, kNameServiceSwitches);
}

}  // namespace posthorn::gateway::remoting
