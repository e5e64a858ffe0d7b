#pragma once

#include "call.h"

/// One handler per kind of request, by the file it stands in. See dispatcher.cc for their codes.
namespace posthorn::gateway::remoting {

// name_service.cc
void get_route(Call&);
void get_cluster_info(Call&);
void get_all_topic_names(Call&);
void get_topics_of_cluster(Call&);
void get_system_topic_names(Call&);
void put_kv_config(Call&);
void get_kv_config(Call&);
void delete_kv_config(Call&);
void get_kv_namespace(Call&);
void wipe_write_permission(Call&);
void add_write_permission(Call&);
void delete_topic_route(Call&);

// send.cc
void send_message(Call&);

// send_back.cc
void send_back(Call&);

// pull.cc
void pull_message(Call&);

// offsets.cc
void query_consumer_offset(Call&);
void update_consumer_offset(Call&);
void get_max_offset(Call&);
void get_min_offset(Call&);
void search_offset_by_time(Call&);
void get_earliest_store_time(Call&);

// heartbeat.cc
void heartbeat(Call&);
void unregister_client(Call&);
void get_consumer_list(Call&);
void check_client_config(Call&);

// locks.cc
void lock_queues(Call&);
void unlock_queues(Call&);

// topics.cc
void put_topic(Call&);
void put_topics(Call&);
void delete_topic(Call&);
void get_topic_stats(Call&);
void get_all_topic_configs(Call&);
void get_topic_config(Call&);

// groups.cc
void put_group(Call&);
void put_groups(Call&);
void delete_group(Call&);
void get_all_group_configs(Call&);
void get_group_config(Call&);

// consumer_admin.cc
void get_consumer_connections(Call&);
void get_producer_connections(Call&);
void get_all_producers(Call&);
void get_groups_of_topic(Call&);
void get_topics_of_group(Call&);
void get_subscription_of_group(Call&);
void get_consume_time_span(Call&);
void clone_group_offset(Call&);
void get_all_consumer_offsets(Call&);

// consume_stats.cc
void get_consume_stats(Call&);
void get_broker_consume_stats(Call&);

// reset_offset.cc
void reset_offset(Call&);

// ask_client.cc
void ask_consumer_status(Call&);
void ask_running_info(Call&);
void consume_directly(Call&);

// runtime_info.cc
void get_runtime_info(Call&);

// config_admin.cc
void get_broker_config(Call&);
void update_broker_config(Call&);
void get_name_service_config(Call&);
void update_name_service_config(Call&);

// broker_stats.cc
void get_broker_stats(Call&);

// store_admin.cc
void query_consume_queue(Call&);
void drop_expired_messages(Call&);
void clean_nothing(Call&);

// view_message.cc
void view_message(Call&);
void query_message(Call&);

}  // namespace posthorn::gateway::remoting
