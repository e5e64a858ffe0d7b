#include "name_rows.h"

#include <nlohmann/json.hpp>

namespace posthorn::broker::name_rows {
namespace {

using Json = nlohmann::json;

std::string dump(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// The library throws where a text is not what it should be.
template <class Decode>
auto decode(std::string_view text, Decode&& decode) -> Result<decltype(decode(Json()))> {
    try {
        return decode(Json::parse(text));
    } catch (const Json::exception& e) {
        return Error{Errc::damaged, e.what()};
    }
}

}  // namespace

std::string write(const model::Topic& topic) {
    Json queues = Json::array();
    for (const model::QueueId queue : topic.queues)
        queues.push_back(queue.value());
    return dump({{"id", topic.id.value()},
                 {"read_queues", topic.read_queues},
                 {"write_queues", topic.write_queues},
                 {"permission", topic.permission.bits},
                 {"ordered", topic.ordered},
                 {"system_flag", topic.system_flag},
                 {"attributes", topic.attributes},
                 {"queues", std::move(queues)}});
}

Result<model::Topic> read_topic(std::string_view name, std::string_view text) {
    return decode(text, [&](const Json& json) {
        model::Topic topic;
        topic.name = name;
        topic.id = model::TopicId(json.at("id").get<std::uint32_t>());
        topic.read_queues = json.value("read_queues", 0u);
        topic.write_queues = json.value("write_queues", 0u);
        topic.permission.bits = json.value("permission", topic.permission.bits);
        topic.ordered = json.value("ordered", false);
        topic.system_flag = json.value("system_flag", 0u);
        topic.attributes = json.value("attributes", "");
        for (const Json& queue : json.at("queues"))
            topic.queues.emplace_back(queue.get<std::uint32_t>());
        return topic;
    });
}

std::string write(const model::Group& group) {
    return dump({{"id", group.id.value()},
                 {"consume_enabled", group.consume_enabled},
                 {"broadcast_enabled", group.broadcast_enabled},
                 {"from_min_enabled", group.from_min_enabled},
                 {"ordered", group.ordered},
                 {"retry_queues", group.retry_queues},
                 {"retry_max", group.retry_max},
                 {"notify_members", group.notify_members},
                 {"attributes", group.attributes}});
}

Result<model::Group> read_group(std::string_view name, std::string_view text) {
    return decode(text, [&](const Json& json) {
        model::Group group;
        group.name = name;
        group.id = model::GroupId(json.at("id").get<std::uint32_t>());
        group.consume_enabled = json.value("consume_enabled", group.consume_enabled);
        group.broadcast_enabled = json.value("broadcast_enabled", group.broadcast_enabled);
        group.from_min_enabled = json.value("from_min_enabled", group.from_min_enabled);
        group.ordered = json.value("ordered", group.ordered);
        group.retry_queues = json.value("retry_queues", group.retry_queues);
        group.retry_max = json.value("retry_max", group.retry_max);
        group.notify_members = json.value("notify_members", group.notify_members);
        group.attributes = json.value("attributes", "");
        return group;
    });
}

std::string write_queue(model::QueueId queue) {
    return dump({{"id", queue.value()}});
}

Result<model::QueueId> read_queue(std::string_view text) {
    return decode(text, [](const Json& json) { return model::QueueId(json.at("id").get<std::uint32_t>()); });
}

std::string setting_name(std::string_view space, std::string_view key) {
    std::string name(space);
    name += '\x1f';
    name += key;
    return name;
}

std::string write_setting(std::string_view space, std::string_view key, std::string_view value) {
    return dump({{"space", space}, {"key", key}, {"value", value}});
}

Result<Setting> read_setting(std::string_view text) {
    return decode(text, [](const Json& json) {
        return Setting{json.at("space").get<std::string>(), json.at("key").get<std::string>(),
                       json.at("value").get<std::string>()};
    });
}

std::string write(const Numbers& numbers) {
    return dump({{"topic", numbers.topic},
                 {"group", numbers.group},
                 {"queue", numbers.queue},
                 {"version", numbers.version}});
}

Result<Numbers> read_numbers(std::string_view text) {
    return decode(text, [](const Json& json) {
        return Numbers{json.at("topic").get<std::uint32_t>(), json.at("group").get<std::uint32_t>(),
                       json.at("queue").get<std::uint32_t>(), json.at("version").get<std::uint64_t>()};
    });
}

}  // namespace posthorn::broker::name_rows
