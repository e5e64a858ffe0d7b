#include <fmt/format.h>

#include <array>

#include "call.h"
#include "gateway.h"
#include "handlers.h"
#include "wire/remoting/bodies.h"

namespace posthorn::gateway::remoting {

namespace {

using Table = std::vector<std::pair<std::string, std::string>>;
using Totals = Traffic::Totals;

/// "ten seconds, a minute, ten minutes", as tools read them.
std::string rates(const Traffic& traffic, std::uint64_t Totals::*what) {
    return fmt::format("{} {} {}", traffic.rate(what, 10), traffic.rate(what, 60), traffic.rate(what, 600));
}

std::string ran_for(std::int64_t ms) {
    const std::int64_t seconds = ms / 1000;
    return fmt::format("[ {} days, {} hours, {} minutes, {} seconds ]", seconds / 86400, seconds / 3600 % 24,
                       seconds / 60 % 60, seconds % 60);
}

void add(Table& table, std::string key, std::string value) {
    table.emplace_back(std::move(key), std::move(value));
}
template <class Number>
    requires std::is_arithmetic_v<Number>
void add(Table& table, std::string key, Number value) {
    add(table, std::move(key), fmt::format("{}", value));
}

bool is_send(RequestCode code) {
    return code == RequestCode::send_message || code == RequestCode::send_message_v2 ||
           code == RequestCode::send_batch_message;
}

void add_rates(Table& table, const Traffic& traffic) {
    add(table, "putTps", rates(traffic, &Totals::messages_in));
    add(table, "getTotalTps", rates(traffic, &Totals::pulls));
    add(table, "getFoundTps", rates(traffic, &Totals::pulls_found));
    // Tools of different age spell it differently.
    add(table, "getTransferedTps", rates(traffic, &Totals::messages_out));
    add(table, "getTransferredTps", rates(traffic, &Totals::messages_out));
    add(table, "putMessageTimesTotal", traffic.totals.messages_in);
    add(table, "putMessageSizeTotal", traffic.totals.bytes_in);
    add(table, "msgPutTotalYesterdayMorning", 0);
    add(table, "msgPutTotalTodayMorning", 0);
    add(table, "msgPutTotalTodayNow", traffic.totals.messages_in);
    add(table, "msgGetTotalYesterdayMorning", 0);
    add(table, "msgGetTotalTodayMorning", 0);
    add(table, "msgGetTotalTodayNow", traffic.totals.messages_out);
}

/// How long sends took, as the original shows it, in our buckets.
std::string send_times(const Dispatcher& dispatcher) {
    std::array<std::uint64_t, kLatencyBucketsMs.size() + 1> sum{};
    dispatcher.each([&](const RequestCounts& counts) {
        if (!is_send(RequestCode{counts.code})) return;
        for (std::size_t n = 0; n < sum.size(); ++n)
            sum[n] += counts.latency[n];
    });
    std::string text;
    int from = 0;
    for (std::size_t n = 0; n < kLatencyBucketsMs.size(); ++n) {
        text += fmt::format("[{}~{}ms]:{} ", from, kLatencyBucketsMs[n], sum[n]);
        from = kLatencyBucketsMs[n];
    }
    return text + fmt::format("[{}ms~]:{}", from, sum.back());
}

void add_store(Table& table, const Gateway& gateway) {
    const store::Log& log = gateway.broker.stream_log();
    const double used = gateway.broker.disk_used_ratio();
    const auto segments = log.segments();
    add(table, "commitLogMinOffset", log.begin().value());
    add(table, "commitLogMaxOffset", log.end().value());
    add(table, "commitLogDiskRatio", used);
    add(table, "consumeQueueDiskRatio", used);
    add(table, "dispatchBehindBytes", 0);
    add(table, "pageCacheLockTimeMills", 0);
    add(table, "remainHowManyDataToFlush", fmt::format("{} B", log.end() - log.synced()));
    add(table, "earliestMessageTimeStamp", segments.empty() ? std::int64_t{-1} : segments.front().last_time);
    add(table, "timerReadBehind", 0);
    add(table, "timerOffsetBehind", 0);
    add(table, "timerCongestNum", gateway.broker.counters().timers_waiting);
    add(table, "timerEnqueueTps", "0.0");
    add(table, "timerDequeueTps", "0.0");
}

void add_queues(Table& table, const Gateway& gateway) {
    // There are no thread pools here; the places where requests wait stand in for their queues.
    add(table, "sendThreadPoolQueueSize", gateway.sends.size());
    add(table, "sendThreadPoolQueueCapacity", gateway.options.pending_sends_max);
    add(table, "pullThreadPoolQueueSize", 0);
    add(table, "pullThreadPoolQueueCapacity", gateway.options.held_pulls_max);
    add(table, "queryThreadPoolQueueSize", 0);
    add(table, "queryThreadPoolQueueCapacity", gateway.options.relayed_max);
    add(table, "ackThreadPoolQueueSize", 0);
    add(table, "EndTransactionQueueSize", 0);
    for (const char* pool : {"send", "pull", "query", "ack"})
        add(table, fmt::format("{}ThreadPoolQueueHeadWaitTimeMills", pool), 0);
}

/// "true" or "false", whatever case; nothing for anything else.
std::optional<bool> truth(std::string_view text) {
    const auto parsed = wire::parse_bool(text);
    return parsed.ok() ? std::optional(parsed.value) : std::nullopt;
}

/// What may be changed while the broker runs. False with a reason when the key or its value is none of it.
bool change(RemotingOptions& options, std::string_view key, std::string_view value, std::string& reason) {
    bool* flag = key == "autoCreateTopicEnable"         ? &options.auto_create_topics
                 : key == "autoCreateSubscriptionGroup" ? &options.auto_create_groups
                 : key == "traceOn"                     ? &options.trace_on
                                                        : nullptr;
    if (!flag) {
        reason = fmt::format(
            "{} cannot be changed while the broker runs; only autoCreateTopicEnable, "
            "autoCreateSubscriptionGroup and traceOn can. Change the configuration file and restart",
            key);
        return false;
    }
    const auto wanted = truth(value);
    if (!wanted) {
        reason = fmt::format("{} is true or false, not '{}'", key, value);
        return false;
    }
    *flag = *wanted;
    return true;
}

}  // namespace

void get_runtime_info(Call& call) {
    Gateway& gateway = call.gateway;
    const std::int64_t now_ms = gateway.clock.wall_ms();
    Table table;
    add(table, "brokerActive", "true");
    add(table, "brokerVersionDesc", "V4_9_4");
    add(table, "brokerVersion", wire::kWireVersion);
    add(table, "bootTimestamp", gateway.started_wall_ms);
    add(table, "startAcceptSendRequestTimeStamp", 0);
    add(table, "runtime", ran_for(now_ms - gateway.started_wall_ms));
    add_rates(table, gateway.traffic);
    add(table, "putMessageDistributeTime", send_times(gateway.dispatcher));
    add_store(table, gateway);
    add_queues(table, gateway);
    auto writer = call.reply();
    wire::write_kv_table(writer.body(), table);
    (void)writer.finish();
}

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
        call.gateway.broker.options().max_message_bytes,
        call.gateway.broker.options().retention_ms / 3'600'000, call.gateway.broker.options().delete_hour);
    for (const auto& [key, value] : options.shown_config)
        text += key + "=" + value + "\n";
    auto writer = call.reply();
    writer.field("version", fmt::format(R"({{"counter":{},"timestamp":{}}})",
                                        call.gateway.catalog().version(), call.gateway.started_wall_ms));
    writer.body().append(text);
    (void)writer.finish();
}

void update_broker_config(Call& call) {
    std::string_view rest = as_text(call.body);
    RemotingOptions changed = call.gateway.options;
    std::size_t count = 0;
    while (!rest.empty()) {
        const std::string_view line = rest.substr(0, rest.find('\n'));
        rest.remove_prefix(std::min(rest.size(), line.size() + 1));
        const auto equals = line.find('=');
        if (equals == std::string_view::npos || line.front() == '#') continue;
        std::string reason;
        if (!change(changed, line.substr(0, equals), line.substr(equals + 1), reason))
            return call.fail(ResponseCode::no_permission, reason);
        ++count;
    }
    if (count == 0) return call.fail(ResponseCode::system_error, "no key=value in the request");
    call.gateway.change_options(std::move(changed));
    call.ok();
}

void get_broker_stats(Call& call) {
    std::string_view name, key;
    if (!call.text("statsName", name) || !call.text("statsKey", key)) return;
    call.fail(ResponseCode::system_error,
              fmt::format("The stats <{}> <{}> not exist; figures by topic and group are under /metrics",
                          name, key));
}

}  // namespace posthorn::gateway::remoting
