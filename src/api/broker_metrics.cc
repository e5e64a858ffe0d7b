#include "api/broker_metrics.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <vector>

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
               "Milliseconds since the oldest message there is was stored");
    const auto segments = stream.segments();
    const std::int64_t oldest = segments.empty() ? 0 : segments.front().first_time;
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

/// How far a group is in a topic, over the queues it has an offset in.
struct Lag {
    std::string_view group, topic;
    std::uint64_t behind = 0;                       ///< not consumed
    std::uint64_t in_flight = 0;                    ///< of these, in the hands of its members
    std::int64_t consuming_ms = 0, pulling_ms = 0;  ///< store time of the first of each kind; 0 without
    bool loading = false;                           ///< the times are on their way from the disk
};

/// Store time of a queue's message; 0 when it is not there, or not yet.
std::int64_t store_time(broker::Broker& broker, model::QueueId queue, std::uint64_t offset, Lag& lag) {
    std::array<store::Entry, 1> entry;
    std::size_t count = 0;
    if (store::not_now(broker.entries(queue, model::QueueOffset(offset), entry, &count))) lag.loading = true;
    return count == 0 ? 0 : entry[0].time;
}

void earlier(std::int64_t& oldest, std::int64_t time) {
    if (time != 0 && (oldest == 0 || time < oldest)) oldest = time;
}

void add_queue(broker::Broker& broker, model::QueueId queue, std::uint64_t next, std::uint64_t pulled,
               Lag& lag) {
    const store::Range range = broker.range(queue);
    const std::uint64_t end = range.end.value();
    const std::uint64_t consumed = std::min(next, end);
    const std::uint64_t handed = std::clamp(pulled, consumed, end);
    lag.behind += end - consumed;
    lag.in_flight += handed - consumed;
    // What retention took is consumed by nobody.
    if (consumed < end)
        earlier(lag.consuming_ms, store_time(broker, queue, std::max(consumed, range.begin.value()), lag));
    if (handed < end)
        earlier(lag.pulling_ms, store_time(broker, queue, std::max(handed, range.begin.value()), lag));
}

std::vector<Lag> lags(broker::Broker& broker, const PulledTo& pulled_to) {
    std::vector<Lag> found;
    const broker::Catalog& catalog = broker.catalog();
    catalog.each_group([&](const model::Group& group) {
        std::unordered_map<std::uint32_t, std::size_t> by_topic;  // index in `found`
        broker.each_progress(group.id, [&](model::QueueId queue, model::QueueOffset next) {
            const broker::QueueOwner owner = catalog.owner(queue);
            const model::Topic* topic = catalog.topic(owner.topic);
            if (owner.kind != broker::QueueOwner::Kind::topic || topic == nullptr) return;
            const auto [at, fresh] = by_topic.try_emplace(owner.topic.value(), found.size());
            if (fresh) found.push_back({.group = group.name, .topic = topic->name});
            const std::uint64_t pulled = pulled_to ? pulled_to(group.id, topic->id, owner.number) : 0;
            add_queue(broker, queue, next.value(), pulled, found[at->second]);
        });
    });
    return found;
}

/// `value` gives nothing where nothing is known.
void lag_family(std::string_view name, std::string_view help, const std::vector<Lag>& all, Exposition& out,
                const std::function<std::optional<double>(const Lag&)>& value) {
    out.family(name, MetricKind::gauge, help);
    for (const Lag& lag : all)
        if (const auto shown = value(lag))
            out.sample({{"consumer_group", lag.group},
                        {"topic", lag.topic},
                        {"is_retry", true_false(is_retry_topic(lag.topic))},
                        {"is_system", true_false(is_system_topic(lag.topic) || is_system_group(lag.group))}},
                       *shown);
}

void consumers(broker::Broker& broker, const PulledTo& pulled_to, Exposition& out) {
    const auto all = lags(broker, pulled_to);
    const auto count = [](std::uint64_t Lag::*what) {
        return [what](const Lag& lag) { return std::optional(static_cast<double>(lag.*what)); };
    };
    const auto since = [now_ms = broker.now().wall_ms](std::int64_t Lag::*what) {
        return [what, now_ms](const Lag& lag) -> std::optional<double> {
            if (lag.loading) return std::nullopt;
            const std::int64_t time = lag.*what;
            return time == 0 ? 0 : static_cast<double>(std::max<std::int64_t>(now_ms - time, 0));
        };
    };
    lag_family("rocketmq_consumer_lag_messages", "Messages a group has not consumed", all, out,
               count(&Lag::behind));
    lag_family("rocketmq_consumer_lag_latency",
               "Milliseconds since the first message a group has not consumed was stored", all, out,
               since(&Lag::consuming_ms));
    lag_family("rocketmq_consumer_inflight_messages",
               "Messages a group's members were given and have not consumed", all, out,
               count(&Lag::in_flight));
    lag_family("rocketmq_consumer_queueing_latency",
               "Milliseconds since the first message no member of a group was given was stored", all, out,
               since(&Lag::pulling_ms));
    lag_family("rocketmq_consumer_ready_messages", "Messages no member of a group was given yet", all, out,
               [](const Lag& lag) { return static_cast<double>(lag.behind - lag.in_flight); });
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
    out.gauge("posthorn_group_offsets", "Offsets of groups, one per group and queue it reads",
              static_cast<double>(counters.progress_entries));
    out.counter("posthorn_group_offsets_refused_total", "Offsets not kept because limits.progress is reached",
                static_cast<double>(counters.refused_progress));
    out.gauge("posthorn_near_timers", "Delayed messages whose due time is in memory",
              static_cast<double>(counters.timers_near));
    out.counter("posthorn_timers_given_up_total",
                "Delayed messages that were lost, damaged or too large for their queue",
                static_cast<double>(counters.timers_given_up));
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
        {"posthorn_log_failed_reads_total", "Reads that failed and are tried again", &Counters::failed_reads},
    };
    for (const Row& row : rows) {
        out.family(row.name, MetricKind::counter, row.help);
        out.sample({{"log", "stream"}}, static_cast<double>(broker.stream_log().counters().*row.value));
        out.sample({{"log", "queue"}}, static_cast<double>(broker.queue_log().counters().*row.value));
    }
}

}  // namespace

MetricSource broker_metrics(broker::Broker& broker, PulledTo pulled_to) {
    return [&broker, pulled_to = std::move(pulled_to)](Exposition& out) {
        const auto counters = broker.counters();
        storage(broker, out);
        names(broker, out);
        timers(counters, out);
        consumers(broker, pulled_to, out);
        engine(broker, counters, out);
        logs(broker, out);
    };
}

}  // namespace posthorn::api
