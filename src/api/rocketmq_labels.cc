#include "api/rocketmq_labels.h"

namespace posthorn::api {

bool is_system_topic(std::string_view topic) {
    static constexpr std::string_view names[] = {"TBW102",
                                                 "SCHEDULE_TOPIC_XXXX",
                                                 "BenchmarkTest",
                                                 "RMQ_SYS_TRANS_HALF_TOPIC",
                                                 "RMQ_SYS_TRACE_TOPIC",
                                                 "RMQ_SYS_TRANS_OP_HALF_TOPIC",
                                                 "TRANS_CHECK_MAX_TIME_TOPIC",
                                                 "SELF_TEST_TOPIC",
                                                 "OFFSET_MOVED_EVENT"};
    if (topic.starts_with("rmq_sys_")) return true;
    for (const auto name : names)
        if (topic == name) return true;
    return false;
}

bool is_system_group(std::string_view group) {
    static constexpr std::string_view names[] = {
        "DEFAULT_CONSUMER",   "TOOLS_CONSUMER",     "SCHEDULE_CONSUMER",
        "FILTERSRV_CONSUMER", "__MONITOR_CONSUMER", "CLIENT_INNER_PRODUCER",
        "SELF_TEST_P_GROUP",  "SELF_TEST_C_GROUP",  "DEFAULT_PRODUCER"};
    if (group.starts_with("CID_RMQ_SYS_")) return true;
    for (const auto name : names)
        if (group == name) return true;
    return false;
}

}  // namespace posthorn::api
