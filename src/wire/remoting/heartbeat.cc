#include "wire/remoting/heartbeat.h"

#include <string_view>

#include "subscription_json.h"
#include "wire/remoting/header.h"

namespace posthorn::wire::remoting {
namespace {

/// A name or an ordinal; what is neither is the fallback.
ConsumeType consume_type(const Json& object) {
    const std::string text = text_at(object, "consumeType");
    if (text == "CONSUME_ACTIVELY" || text == "0") return ConsumeType::actively;
    if (text == "CONSUME_POP" || text == "2") return ConsumeType::pop;
    return ConsumeType::passively;
}

MessageModel message_model(const Json& object) {
    const std::string text = text_at(object, "messageModel");
    return text == "BROADCASTING" || text == "0" ? MessageModel::broadcasting : MessageModel::clustering;
}

ConsumeFrom consume_from(const Json& object) {
    const std::string text = text_at(object, "consumeFromWhere");
    if (text == "CONSUME_FROM_FIRST_OFFSET" || text == "4") return ConsumeFrom::first_offset;
    if (text == "CONSUME_FROM_TIMESTAMP" || text == "5") return ConsumeFrom::timestamp;
    return ConsumeFrom::last_offset;
}

ConsumerData consumer_of(const Json& object) {
    ConsumerData consumer;
    consumer.group = text_at(object, "groupName");
    consumer.type = consume_type(object);
    consumer.model = message_model(object);
    consumer.from = consume_from(object);
    consumer.unit_mode = bool_at(object, "unitMode");
    for (const Json& each : list_at(object, "subscriptionDataSet"))
        consumer.subscriptions.push_back(subscription_of(each));
    return consumer;
}

void write_consumer(JsonWriter& json, const ConsumerData& consumer) {
    json.begin_object();
    json.member("consumeFromWhere", name(consumer.from));
    json.member("consumeType", name(consumer.type));
    json.member("groupName", consumer.group);
    json.member("messageModel", name(consumer.model));
    json.key("subscriptionDataSet");
    json.begin_list();
    for (const SubscriptionData& each : consumer.subscriptions)
        write_subscription(json, each);
    json.end_list();
    json.member("unitMode", consumer.unit_mode);
    json.end_object();
}

}  // namespace

std::string_view name(ConsumeType type) {
    switch (type) {
        case ConsumeType::actively:
            return "CONSUME_ACTIVELY";
        case ConsumeType::passively:
            return "CONSUME_PASSIVELY";
        case ConsumeType::pop:
            return "CONSUME_POP";
    }
    return {};
}

std::string_view name(MessageModel model) {
    return model == MessageModel::broadcasting ? "BROADCASTING" : "CLUSTERING";
}

std::string_view name(ConsumeFrom from) {
    switch (from) {
        case ConsumeFrom::last_offset:
            return "CONSUME_FROM_LAST_OFFSET";
        case ConsumeFrom::first_offset:
            return "CONSUME_FROM_FIRST_OFFSET";
        case ConsumeFrom::timestamp:
            return "CONSUME_FROM_TIMESTAMP";
    }
    return {};
}

SubscriptionData subscription_of(const Json& object) {
    SubscriptionData subscription;
    subscription.topic = text_at(object, "topic");
    subscription.expression = text_at(object, "subString", "*");
    subscription.expression_type = text_at(object, "expressionType", "TAG");
    if (subscription.expression_type.empty()) subscription.expression_type = "TAG";
    subscription.tags = texts_at(object, "tagsSet");
    for (const Json& code : list_at(object, "codeSet")) {
        if (code.is_number_integer())
            subscription.tag_codes.push_back(code.get<std::int32_t>());
        else if (code.is_string())
            subscription.tag_codes.push_back(parse_int32(code.get_ref<const std::string&>()).value);
    }
    subscription.version = int64_at(object, "subVersion");
    subscription.class_filter = bool_at(object, "classFilterMode");
    return subscription;
}

void write_subscription(JsonWriter& json, const SubscriptionData& subscription) {
    json.begin_object();
    json.member("classFilterMode", subscription.class_filter);
    json.list("codeSet", subscription.tag_codes);
    json.member("expressionType", subscription.expression_type);
    json.member("subString", subscription.expression);
    json.member("subVersion", subscription.version);
    json.list("tagsSet", subscription.tags);
    json.member("topic", subscription.topic);
    json.end_object();
}

Result<HeartbeatData> parse_heartbeat(Bytes body) {
    auto json = parse_body(body, "heartbeat");
    if (!json) return json.error();
    HeartbeatData heartbeat;
    heartbeat.client_id = text_at(*json, "clientID");
    if (heartbeat.client_id.empty()) return Error{Errc::invalid, "heartbeat: clientID is missing"};
    for (const Json& each : list_at(*json, "producerDataSet"))
        heartbeat.producer_groups.push_back(text_at(each, "groupName"));
    for (const Json& each : list_at(*json, "consumerDataSet"))
        heartbeat.consumers.push_back(consumer_of(each));
    return heartbeat;
}

void write_heartbeat(Buffer& out, const HeartbeatData& heartbeat) {
    JsonWriter json(out);
    json.begin_object();
    json.member("clientID", heartbeat.client_id);
    json.key("consumerDataSet");
    json.begin_list();
    for (const ConsumerData& each : heartbeat.consumers)
        write_consumer(json, each);
    json.end_list();
    json.key("producerDataSet");
    json.begin_list();
    for (const std::string& group : heartbeat.producer_groups) {
        json.begin_object();
        json.member("groupName", group);
        json.end_object();
    }
    json.end_list();
    json.end_object();
}

Result<ClientCheck> parse_client_check(Bytes body) {
    auto json = parse_body(body, "client check");
    if (!json) return json.error();
    return ClientCheck{text_at(*json, "clientId"), text_at(*json, "group"),
                       subscription_of(object_at(*json, "subscriptionData"))};
}

}  // namespace posthorn::wire::remoting
