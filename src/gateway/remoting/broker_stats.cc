#include "call.h"
#include "gateway.h"
#include "handlers.h"
#include "wire/remoting/bodies.h"

namespace posthorn::gateway::remoting {

namespace {

/// A figure as tools ask for it. Those of topics have the topic as key, those of groups "topic@group", those
/// of the broker the cluster's name.
struct Figure {
    enum class Of { topic_put, group_got, group_sent_back, broker_put, broker_got };
    std::string_view name;
    Of of;
    std::uint64_t FlowCounts::*what;
};

constexpr Figure kFigures[]{
    {"TOPIC_PUT_NUMS", Figure::Of::topic_put, &FlowCounts::messages},
    {"TOPIC_PUT_SIZE", Figure::Of::topic_put, &FlowCounts::bytes},
    {"GROUP_GET_NUMS", Figure::Of::group_got, &FlowCounts::messages},
    {"GROUP_GET_SIZE", Figure::Of::group_got, &FlowCounts::bytes},
    {"SNDBCK_PUT_NUMS", Figure::Of::group_sent_back, &FlowCounts::messages},
    {"BROKER_PUT_NUMS", Figure::Of::broker_put, &FlowCounts::messages},
    {"BROKER_GET_NUMS", Figure::Of::broker_got, &FlowCounts::messages},
};

const Flow* group_flow(Gateway& gateway, std::string_view key, Figure::Of of) {
    const std::size_t at = key.find('@');
    if (at == std::string_view::npos) return nullptr;
    const model::Topic* topic = gateway.catalog().topic(key.substr(0, at));
    const model::Group* group = gateway.catalog().group(key.substr(at + 1));
    if (!topic || !group) return nullptr;
    return of == Figure::Of::group_got ? gateway.traffic.got(group->id, topic->id)
                                       : gateway.traffic.sent_back(group->id, topic->id);
}

const Flow* find_flow(Gateway& gateway, std::string_view key, Figure::Of of) {
    switch (of) {
        case Figure::Of::topic_put: {
            const model::Topic* topic = gateway.catalog().topic(key);
            return topic ? gateway.traffic.put(topic->id) : nullptr;
        }
        case Figure::Of::group_got:
        case Figure::Of::group_sent_back:
            return group_flow(gateway, key, of);
        case Figure::Of::broker_put:
        case Figure::Of::broker_got:
            break;
    }
    if (key != gateway.options.cluster_name) return nullptr;
    return of == Figure::Of::broker_put ? &gateway.traffic.all_put() : &gateway.traffic.all_got();
}

wire::BrokerStatsItem item(const SpanFigures& figures) {
    return {static_cast<std::int64_t>(figures.sum), figures.per_second, figures.per_request};
}

}  // namespace

void get_broker_stats(Call& call) {
    std::string_view name, key;
    if (!call.text("statsName", name) || !call.text("statsKey", key)) return;
    for (const Figure& figure : kFigures) {
        if (figure.name != name) continue;
        const Flow* flow = find_flow(call.gateway, key, figure.of);
        if (!flow) break;
        const Traffic& traffic = call.gateway.traffic;
        const auto item_of = [&](Span span) { return item(traffic.figures(*flow, span, figure.what)); };
        return call.ok_body([&](Buffer& out) {
            wire::write_broker_stats(out, item_of(Span::minute), item_of(Span::hour), item_of(Span::day));
        });
    }
    call.fail(ResponseCode::system_error, fmt::format("The stats <{}> <{}> not exist", name, key));
}

}  // namespace posthorn::gateway::remoting
