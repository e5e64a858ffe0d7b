#include <fmt/format.h>

#include <array>

#include "call.h"
#include "gateway.h"
#include "handlers.h"
#include "wire/remoting/bodies.h"
#include "wire/remoting/version.h"

namespace posthorn::gateway::remoting {

namespace {

using Table = std::vector<std::pair<std::string, std::string>>;
using Totals = Traffic::Totals;

/// "ten seconds, a minute, ten minutes", as tools read them.
std::string rates(const Gateway& gateway, std::uint64_t Totals::*what) {
    const Throughput& throughput = gateway.throughput;
    return fmt::format("{} {} {}", throughput.rate(what, 10), throughput.rate(what, 60),
                       throughput.rate(what, 600));
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

void add_rates(Table& table, const Gateway& gateway) {
    const Totals& now = gateway.traffic.totals;
    add(table, "putTps", rates(gateway, &Totals::messages_in));
    add(table, "getTotalTps", rates(gateway, &Totals::pulls));
    add(table, "getFoundTps", rates(gateway, &Totals::pulls_found));
    add(table, "getMissTps", rates(gateway, &Totals::pulls_missed));
    // Tools of different age spell it differently.
    add(table, "getTransferedTps", rates(gateway, &Totals::messages_out));
    add(table, "getTransferredTps", rates(gateway, &Totals::messages_out));
    add(table, "putMessageTimesTotal", now.messages_in);
    add(table, "putMessageSizeTotal", now.bytes_in);
    add(table, "putMessageAverageSize",
        now.messages_in == 0 ? 0.0
                             : static_cast<double>(now.bytes_in) / static_cast<double>(now.messages_in));
    // Tools take the mornings from one another: put today is now less this morning.
    const Totals& today = gateway.throughput.this_morning();
    const Totals& yesterday = gateway.throughput.yesterday_morning();
    add(table, "msgPutTotalYesterdayMorning", yesterday.messages_in);
    add(table, "msgPutTotalTodayMorning", today.messages_in);
    add(table, "msgPutTotalTodayNow", now.messages_in);
    add(table, "msgGetTotalYesterdayMorning", yesterday.messages_out);
    add(table, "msgGetTotalTodayMorning", today.messages_out);
    add(table, "msgGetTotalTodayNow", now.messages_out);
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
    add(table, "earliestMessageTimeStamp",
        segments.empty() || segments.front().first_time == 0 ? std::int64_t{-1}
                                                             : segments.front().first_time);
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

}  // namespace

void get_runtime_info(Call& call) {
    Gateway& gateway = call.gateway;
    const std::int64_t now_ms = gateway.clock.wall_ms();
    Table table;
    add(table, "brokerActive", "true");
    add(table, "brokerVersionDesc", wire::version_name(wire::kWireVersion));
    add(table, "brokerVersion", wire::kWireVersion);
    add(table, "bootTimestamp", gateway.started_wall_ms);
    add(table, "startAcceptSendRequestTimeStamp", 0);
    add(table, "runtime", ran_for(now_ms - gateway.started_wall_ms));
    add_rates(table, gateway);
    add(table, "putMessageDistributeTime", send_times(gateway.dispatcher));
    add_store(table, gateway);
    add_queues(table, gateway);
    call.ok_body([&](Buffer& out) { wire::write_kv_table(out, table); });
}

}  // namespace posthorn::gateway::remoting
