#include "api/broker_metrics.h"

#include <algorithm>
#include <unordered_map>

#include "api/rocketmq_labels.h"
#include "broker/broker.h"

namespace posthorn::api {
namespace {

double behind(const store::Log& log) {
    return static_cast<double>(log.end().value() - log.synced().value());
}

void storage(const broker::Broker& broker, Exposition& out) {
    const store::Log& stream = broker.stream_log();
    const store::Log& queue = broker.queue_log();
    out.family("rocketmq_storage_size", MetricKind::gauge, "Bytes of all segments on the disk");
    out.sample({{"storage_type", "local"}, {"storage_medium", "disk"}},
               static_cast<double>(stream.disk_bytes() + queue.disk_bytes()));
    out.family("rocketmq_storage_flush_behind_bytes", MetricKind::gauge, "Bytes written and not yet synced");
    out.sample({{"storage_type", "local"}, {"storage_medium", "disk"}}, behind(stream) + behind(queue));
    out.family("rocketmq_storage_message_reserve_time", MetricKind::gauge,
               "Milliseconds since the newest message of the oldest segment was stored");
    const auto segments = stream.segments();
    const std::int64_t oldest = segments.empty() ? 0 : segments.front().last_time;
    out.sample(
        {{"storage_type", "local"}, {"storage_medium", "disk"}},
        oldest == 0 ? 0 : static_cast<double>(std::max<std::int64_t>(broker.now().wall_ms - oldest, 0)));
}

void names(const broker::Broker& broker, Exposition& out) {
    out.gauge("rocketmq_topic_number", "Topics", static_cast<double>(broker.catalog().topic_count()));
    out.gauge("rocketmq_consumer_group_number", "Consumer groups",
              static_cast<double>(broker.catalog().group_count()));
    out.gauge("rocketmq_broker_permission",
              "6: readable and writable; 4: only readable, see posthorn_writes_refused",
              broker.refusing() ? 4 : 6);
}

void timers(const broker::Broker::Counters& counters, Exposition& out) {
    out.gauge("rocketmq_timing_messages", "Delayed messages that are not yet due",
              static_cast<double>(counters.timers_waiting));
    out.counter("rocketmq_timer_enqueue_total", "Delayed messages taken in",
                static_cast<double>(counters.delayed));
    out.counter("rocketmq_timer_dequeue_total", "Delayed messages that came due",
                static_cast<double>(counters.fired));
}

struct Lag {
    std::string_view group, topic;
    std::uint64_t messages = 0;
};

/// Per group and topic, over the queues the group has an offset in.
std::vector<Lag> lags(const broker::Broker& broker) {
    std::vector<Lag> found;
    const broker::Catalog& catalog = broker.catalog();
    catalog.each_group([&](const model::Group& group) {
        std::unordered_map<std::uint32_t, std::size_t> by_topic;  // index in `found`
        broker.each_progress(group.id, [&](model::QueueId queue, model::QueueOffset next) {
            const broker::QueueOwner owner = catalog.owner(queue);
            const model::Topic* topic = catalog.topic(owner.topic);
            if (owner.kind != broker::QueueOwner::Kind::topic || topic == nullptr) return;
            const auto [at, fresh] = by_topic.try_emplace(owner.topic.value(), found.size());
            if (fresh) found.push_back({group.name, topic->name, 0});
            const std::uint64_t end = broker.range(queue).end.value();
            found[at->second].messages += end > next.value() ? end - next.value() : 0;
        });
    });
    return found;
}

void lag_family(std::string_view name, std::string_view help, const std::vector<Lag>& all, Exposition& out) {
    out.family(name, MetricKind::gauge, help);
    for (const Lag& lag : all)
        out.sample({{"consumer_group", lag.group},
                    {"topic", lag.topic},
                    {"is_retry", true_false(is_retry_topic(lag.topic))},
                    {"is_system", true_false(is_system_topic(lag.topic) || is_system_group(lag.group))}},
                   static_cast<double>(lag.messages));
}

void engine(const broker::Broker& broker, const broker::Broker::Counters& counters, Exposition& out) {
    out.counter("posthorn_ticks_total", "Turns of the engine", static_cast<double>(counters.ticks));
    out.counter("posthorn_published_total", "Messages taken in, whatever the protocol",
                static_cast<double>(counters.published));
    out.counter("posthorn_published_bytes_total", "Bytes of their payloads",
                static_cast<double>(counters.published_bytes));
    out.counter("posthorn_fetched_total", "Messages handed out by offset",
                static_cast<double>(counters.fetched));
    out.counter("posthorn_fetched_bytes_total", "Bytes of their payloads",
                static_cast<double>(counters.fetched_bytes));
    out.gauge("posthorn_waiters", "Readers waiting for a queue to grow",
              static_cast<double>(counters.waiters));
    out.gauge("posthorn_writes_refused", "1 while writes are refused; /healthz says why",
              broker.refusing() ? 1 : 0);
    out.family("posthorn_refused_total", MetricKind::counter, "Messages refused");
    out.sample({{"reason", "no_space"}}, static_cast<double>(counters.refused_no_space));
    out.sample({{"reason", "read_only"}}, static_cast<double>(counters.refused_read_only));
    out.sample({{"reason", "invalid"}}, static_cast<double>(counters.refused_invalid));
    out.gauge("posthorn_disk_used_ratio", "Used share of the disk that holds the data",
              broker.disk_used_ratio());
}

void logs(const broker::Broker& broker, Exposition& out) {
    using Counters = store::Log::Counters;
    struct Row {
        std::string_view name, help;
        std::uint64_t Counters::*value;
    };
    static constexpr Row rows[] = {
        {"posthorn_log_records_total", "Records appended", &Counters::records},
        {"posthorn_log_bytes_total", "Bytes appended", &Counters::bytes},
        {"posthorn_log_writes_total", "Gathered writes", &Counters::writes},
        {"posthorn_log_syncs_total", "Calls of fdatasync", &Counters::syncs},
        {"posthorn_log_rolls_total", "Segments begun", &Counters::rolls},
        {"posthorn_log_cold_loads_total", "Blocks read from the disk for readers far behind",
         &Counters::cold_loads},
        {"posthorn_log_damaged_total", "Records whose bytes contradict their checksum", &Counters::damaged},
    };
    for (const Row& row : rows) {
        out.family(row.name, MetricKind::counter, row.help);
        out.sample({{"log", "stream"}}, static_cast<double>(broker.stream_log().counters().*row.value));
        out.sample({{"log", "queue"}}, static_cast<double>(broker.queue_log().counters().*row.value));
    }
}

}  // namespace

MetricSource broker_metrics(const broker::Broker& broker) {
    return [&broker](Exposition& out) {
        const auto counters = broker.counters();
        storage(broker, out);
        names(broker, out);
        timers(counters, out);
        const auto all = lags(broker);
        lag_family("rocketmq_consumer_lag_messages", "Messages a group has not consumed", all, out);
        lag_family("rocketmq_consumer_ready_messages", "Messages a group could consume now", all, out);
        engine(broker, counters, out);
        logs(broker, out);
    };
}

}  // namespace posthorn::api
