#include "dispatcher.h"

#include <algorithm>

#include "gateway.h"
#include "handlers.h"

namespace posthorn::gateway::remoting {

namespace {

/// How a request's latency gets known.
enum class Clocked {
    here,   ///< read the clock before and after the handler
    later,  ///< whoever answers notes it (sends, pulls)
    never,  ///< so frequent and so short that reading a clock would be a good part of it
};

struct Route {
    RequestCode code;
    Handler handler;
    Clocked clocked = Clocked::here;
};

// The contract with 4.x clients and tools, by the files in handlers.h.
constexpr Route kRoutes[]{
    {RequestCode{0}, nullptr},

    {RequestCode::send_message, send_message, Clocked::later},
    {RequestCode::send_message_v2, send_message, Clocked::later},
    {RequestCode::send_batch_message, send_message, Clocked::later},
    {RequestCode::consumer_send_msg_back, send_back, Clocked::later},
    {RequestCode::pull_message, pull_message, Clocked::later},
    {RequestCode::lite_pull_message, pull_message, Clocked::later},

    {RequestCode::query_consumer_offset, query_consumer_offset, Clocked::never},
    {RequestCode::update_consumer_offset, update_consumer_offset, Clocked::never},
    {RequestCode::get_max_offset, get_max_offset, Clocked::never},
    {RequestCode::get_min_offset, get_min_offset, Clocked::never},
    {RequestCode::search_offset_by_timestamp, search_offset_by_time},
    {RequestCode::get_earliest_msg_storetime, get_earliest_store_time},

    {RequestCode::heart_beat, heartbeat},
    {RequestCode::unregister_client, unregister_client},
    {RequestCode::get_consumer_list_by_group, get_consumer_list},
    {RequestCode::check_client_config, check_client_config},
    {RequestCode::lock_batch_mq, lock_queues},
    {RequestCode::unlock_batch_mq, unlock_queues},

    {RequestCode::get_routeinfo_by_topic, get_route},
    {RequestCode::get_broker_cluster_info, get_cluster_info},
    {RequestCode::get_all_topic_list_from_nameserver, get_all_topic_names},
    {RequestCode::get_topics_by_cluster, get_topics_of_cluster},
    {RequestCode::get_system_topic_list_from_ns, get_system_topic_names},
    {RequestCode::get_system_topic_list_from_broker, get_system_topic_names},
    {RequestCode::put_kv_config, put_kv_config},
    {RequestCode::get_kv_config, get_kv_config},
    {RequestCode::delete_kv_config, delete_kv_config},
    {RequestCode::get_kvlist_by_namespace, get_kv_namespace},
    {RequestCode::wipe_write_perm_of_broker, wipe_write_permission},
    {RequestCode::add_write_perm_of_broker, add_write_permission},
    {RequestCode::delete_topic_in_namesrv, delete_topic_route},
    {RequestCode::get_namesrv_config, get_name_service_config},
    {RequestCode::update_namesrv_config, update_name_service_config},

    {RequestCode::update_and_create_topic, put_topic},
    {RequestCode::update_and_create_topic_list, put_topics},
    {RequestCode::delete_topic_in_broker, delete_topic},
    {RequestCode::get_topic_stats_info, get_topic_stats},
    {RequestCode::get_all_topic_config, get_all_topic_configs},
    {RequestCode::get_topic_config, get_topic_config},
    {RequestCode::update_and_create_subscriptiongroup, put_group},
    {RequestCode::update_and_create_subscriptiongroup_list, put_groups},
    {RequestCode::delete_subscriptiongroup, delete_group},
    {RequestCode::get_all_subscriptiongroup_config, get_all_group_configs},
    {RequestCode::get_subscriptiongroup_config, get_group_config},

    {RequestCode::get_consumer_connection_list, get_consumer_connections},
    {RequestCode::get_producer_connection_list, get_producer_connections},
    {RequestCode::get_all_producer_info, get_all_producers},
    {RequestCode::get_consume_stats, get_consume_stats},
    {RequestCode::get_broker_consume_stats, get_broker_consume_stats},
    {RequestCode::query_topic_consume_by_who, get_groups_of_topic},
    {RequestCode::query_topics_by_consumer, get_topics_of_group},
    {RequestCode::query_subscription_by_consumer, get_subscription_of_group},
    {RequestCode::query_consume_time_span, get_consume_time_span},
    {RequestCode::clone_group_offset, clone_group_offset},
    {RequestCode::get_all_consumer_offset, get_all_consumer_offsets},
    {RequestCode::invoke_broker_to_reset_offset, reset_offset},
    {RequestCode::invoke_broker_to_get_consumer_status, ask_consumer_status, Clocked::later},
    {RequestCode::get_consumer_running_info, ask_running_info, Clocked::later},
    {RequestCode::consume_message_directly, consume_directly, Clocked::later},

    {RequestCode::get_broker_runtime_info, get_runtime_info},
    {RequestCode::get_broker_config, get_broker_config},
    {RequestCode::update_broker_config, update_broker_config},
    {RequestCode::view_broker_stats_data, get_broker_stats},
    {RequestCode::query_consume_queue, query_consume_queue},
    {RequestCode::delete_expired_commitlog, drop_expired_messages},
    {RequestCode::clean_expired_consumequeue, clean_nothing},
    {RequestCode::clean_unused_topic, clean_nothing},
    {RequestCode::view_message_by_id, view_message},
    {RequestCode::query_message, query_message},
};
static_assert(std::size(kRoutes) < 256);

void not_supported(Call& call) {
    ++call.gateway.counters.unknown_requests;
    const auto code = RequestCode{call.header.code};
    const std::string_view name = wire::name(code);
    call.fail(ResponseCode::request_code_not_supported,
              name.empty() ? fmt::format("request code {} is not known to this broker", call.header.code)
                           : fmt::format("{} (request code {}) is not supported by this broker", name,
                                         call.header.code));
}

/// Whoever changed a name, or asked for one that is being changed, is answered when that is durable.
void handle(Call& call, Handler handler) {
    broker::Catalog& catalog = call.gateway.catalog();
    catalog.begin_request();
    const std::size_t written = call.session.out().size();
    handler(call);
    if (const std::uint64_t change = catalog.awaited(); change != 0) [[unlikely]]
        call.gateway.replies.hold(call.session, written, call.header.reply_to(), change);
}

}  // namespace

void CodeStats::took(std::int64_t ns) {
    total_ns += static_cast<std::uint64_t>(ns);
    std::size_t bucket = 0;
    while (bucket < kLatencyBucketsMs.size() && ns > std::int64_t{kLatencyBucketsMs[bucket]} * 1'000'000)
        ++bucket;
    ++latency[bucket];
}

Dispatcher::Dispatcher() : stats_(std::size(kRoutes)) {
    for (std::size_t i = 1; i < std::size(kRoutes); ++i) {
        const auto code = static_cast<std::size_t>(kRoutes[i].code);
        POSTHORN_CHECK(code < kCodes && index_[code] == 0, "a request code twice in the table, or too large");
        index_[code] = static_cast<std::uint8_t>(i);
        stats_[i].code = static_cast<std::int32_t>(code);
        stats_[i].name = wire::name(kRoutes[i].code);
    }
    stats_[0].code = -1;
    stats_[0].name = "NOT_SUPPORTED";
}

void Dispatcher::dispatch(Gateway& gateway, Session& session, const wire::Header& header,
                          const wire::Frame& frame, const wire::SendRequest* send) {
    const auto code = static_cast<std::size_t>(header.code);
    const std::size_t at = header.code >= 0 && code < kCodes ? index_[code] : 0;
    CodeStats& stats = stats_[at];
    ++stats.requests;
    Call call{gateway, session, header, frame, stats, session.last_arrival_ns(), send};
    if (at == 0) {
        not_supported(call);
        stats.took(0);
        return;
    }

    const Route& route = kRoutes[at];
    if (route.clocked != Clocked::here) {
        route.handler(call);
        if (route.clocked == Clocked::never) stats.took(0);
        return;
    }
    const std::int64_t before = gateway.clock.steady_ns();
    handle(call, route.handler);
    if (!call.waits) stats.took(gateway.clock.steady_ns() - before);
}

bool Dispatcher::run_again(Gateway& gateway, Session& session, const wire::Header& header,
                           const wire::Frame& frame, ParkedCalls::Parked& parked) {
    const std::size_t at = index_[static_cast<std::size_t>(header.code)];
    Call call{gateway, session, header, frame, stats_[at], parked.started_ns, nullptr, &parked};
    handle(call, kRoutes[at].handler);
    if (!call.waits && kRoutes[at].clocked == Clocked::here)
        call.stats.took(gateway.clock.steady_ns() - call.started_ns);
    return call.waits;
}

void Dispatcher::each(const std::function<void(const RequestCounts&)>& visit) const {
    for (const CodeStats& stats : stats_)
        if (stats.requests != 0) visit(stats);
}

}  // namespace posthorn::gateway::remoting
