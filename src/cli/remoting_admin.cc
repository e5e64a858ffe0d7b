#include "remoting_admin.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace posthorn::cli {
namespace {

using wire::remoting::RequestCode;

Result<Answer> call_well(RemotingConnection& connection, RequestCode code, const Fields& fields) {
    auto answer = call(connection, code, fields);
    if (!answer || answer->code == 0) return answer;
    const Errc why = answer->code == 17 ? Errc::not_found : Errc::denied;
    return Error{why, fmt::format("{} answered with code {}: {}", name(code), answer->code, answer->remark)};
}

Result<std::int64_t> offset(RemotingConnection& broker, RequestCode code, const std::string& topic,
                            std::uint32_t queue) {
    auto answer = call_well(broker, code, {{"topic", topic}, {"queueId", std::to_string(queue)}});
    if (!answer) return answer.error();
    return answer->number("offset");
}

Result<TopicRoute> parse_route(const std::string& body) {
    const auto json = nlohmann::json::parse(body, nullptr, false);
    const Error unreadable{Errc::invalid, fmt::format("a route that cannot be read: {}", body)};
    if (!json.is_object()) return unreadable;
    TopicRoute route;
    for (const auto& queue : json.value("queueDatas", nlohmann::json::array())) {
        route.read_queues = queue.value("readQueueNums", 0U);
        route.write_queues = queue.value("writeQueueNums", 0U);
        break;
    }
    for (const auto& broker : json.value("brokerDatas", nlohmann::json::array())) {
        route.broker = broker.value("brokerAddrs", nlohmann::json::object()).value("0", "");
        break;
    }
    if (route.broker.empty()) return unreadable;
    return route;
}

}  // namespace

Result<TopicRoute> find_route(const std::string& name_server, const std::string& topic) {
    auto connection = RemotingConnection::open(name_server);
    if (!connection) return connection.error();
    auto answer = call_well(*connection, RequestCode::get_routeinfo_by_topic,
                            {{"topic", topic}, {"acceptStandardJsonOnly", "true"}});
    if (!answer) return answer.error();
    return parse_route(answer->body);
}

Result<std::string> find_broker(const std::string& name_server, const std::string& topic) {
    auto route = find_route(name_server, topic);
    if (!route && route.error().code == Errc::not_found) route = find_route(name_server, "TBW102");
    if (!route) return route.error();
    return route->broker;
}

Result<void> create_topic(RemotingConnection& broker, const std::string& topic, std::uint32_t queues) {
    auto answer = call_well(broker, RequestCode::update_and_create_topic,
                            {{"topic", topic},
                             {"defaultTopic", "TBW102"},
                             {"readQueueNums", std::to_string(queues)},
                             {"writeQueueNums", std::to_string(queues)},
                             {"perm", "6"},
                             {"topicFilterType", "SINGLE_TAG"},
                             {"topicSysFlag", "0"},
                             {"order", "false"}});
    if (!answer) return answer.error();
    return {};
}

Result<std::int64_t> min_offset(RemotingConnection& broker, const std::string& topic, std::uint32_t queue) {
    return offset(broker, RequestCode::get_min_offset, topic, queue);
}

Result<std::int64_t> max_offset(RemotingConnection& broker, const std::string& topic, std::uint32_t queue) {
    return offset(broker, RequestCode::get_max_offset, topic, queue);
}

}  // namespace posthorn::cli
