#include <algorithm>
#include <limits>

#include "call.h"
#include "catalog_rules.h"
#include "gateway.h"
#include "handlers.h"
#include "peek.h"
#include "wire/remoting/message.h"
#include "wire/remoting/message_id.h"
#include "wire/remoting/properties.h"

namespace posthorn::gateway::remoting {

namespace {

constexpr std::int32_t kFirstRetryLevel = 3;  // a message's first retry waits for this level's delay, 10 s
constexpr std::int32_t kKnowsMaxReconsumeTimes = 121;  // V3_4_9

struct SendBack {
    std::string_view group;
    std::int64_t offset = 0;
    std::int32_t level = 0;  ///< < 0: to the dead letters; 0: after as many tries as it had; else this level
    std::int32_t tries = 0;  ///< the consumer's own limit, -1 if it says none

    bool read(Call& call) {
        return call.text("group", group) && call.number("offset", offset) &&
               call.number("delayLevel", level) && call.number_or("maxReconsumeTimes", -1, tries);
    }
};

/// The properties of the retried message, in `gateway.properties`: where it really belongs and what its
/// first id was, unless a retry before said so.
void build_properties(Gateway& gateway, const wire::Message& message, std::string_view own_id, bool dead) {
    namespace property = wire::property;
    Buffer& out = gateway.properties;
    out.clear();
    std::string_view real_topic = message.topic, first_id = own_id;
    bool has_topic = false, has_id = false;
    wire::PropertyCursor cursor(message.properties);
    for (wire::Property one; cursor.next(one);) {
        if (one.name == property::retry_topic) has_topic = true, real_topic = one.value;
        if (one.name == property::origin_message_id && !one.value.empty())
            has_id = true, first_id = one.value;
        if (one.name != property::delay && one.name != property::wait)
            wire::append_property(out, one.name, one.value);
    }
    if (!has_topic) wire::append_property(out, property::retry_topic, real_topic);
    if (!has_id) wire::append_property(out, property::origin_message_id, first_id);
    if (dead) {
        wire::append_property(out, property::dlq_origin_topic, real_topic);
        wire::append_property(out, property::dlq_origin_message_id, first_id);
    }
}

/// How often it was tried. The sender may have written any number.
std::int32_t tries_of(const wire::Message& message) {
    return std::clamp(message.reconsume_times, 0, std::numeric_limits<std::int32_t>::max() - 1);
}

/// Where the message goes next, and when.
struct Retry {
    const model::Topic* topic = nullptr;
    bool dead = false;
    std::int64_t delay_ms = 0;
};

Result<Retry> plan(Call& call, const SendBack& request, const model::Group& group, std::int32_t tried) {
    const bool own_limit = request.tries >= 0 && call.header.version >= kKnowsMaxReconsumeTimes;
    const std::int32_t limit = own_limit ? request.tries : group.retry_max;
    Retry retry;
    retry.dead = request.level < 0 || tried >= limit;
    const auto topic = retry.dead
                           ? create_for_group(call.gateway, dead_letter_topic(group.name), 1)
                           : create_for_group(call.gateway, retry_topic(group.name), group.retry_queues);
    if (!topic) return topic.error();
    retry.topic = *topic;
    if (!retry.dead) {
        const DelayLevels& levels = call.gateway.options.delay_levels;
        const std::int64_t level = request.level > 0 ? request.level : std::int64_t{kFirstRetryLevel} + tried;
        retry.delay_ms = levels[static_cast<std::size_t>(
            std::min<std::int64_t>(level, static_cast<std::int64_t>(levels.size())) - 1)];
    }
    return retry;
}

Result<broker::Receipt> store_retry(Call& call, const wire::Message& message, const Retry& retry,
                                    std::int32_t number) {
    Gateway& gateway = call.gateway;
    gateway.payload.clear();
    const auto built = wire::append_stored({.topic = retry.topic->name,
                                            .queue_id = number,
                                            .flag = message.flag,
                                            .sys_flag = message.sys_flag,
                                            .born_ms = message.born_ms,
                                            .born_host = message.born_host,
                                            .reconsume_times = tries_of(message) + 1,
                                            .body = message.body,
                                            .properties = as_text(gateway.properties.view()),
                                            .added_properties = {},
                                            .store_host = call.session.advertised()},
                                           gateway.payload);
    if (!built) return built.error();
    const auto tags = wire::find_property(message.properties, wire::property::tags);
    const auto id = wire::find_property(message.properties, wire::property::unique_key);
    const broker::Publication publication{.queue = retry.topic->queues[static_cast<std::size_t>(number)],
                                          .format = kRemotingFormat,
                                          .tag = tags && !tags->empty() ? model::tag_hash(*tags) : 0,
                                          .key = id ? message_key(retry.topic->name, *id) : 0,
                                          .payload = gateway.payload.view()};
    if (retry.dead) return gateway.broker.publish(publication);
    return gateway.broker.publish_at(publication, gateway.broker.now().wall_ms + retry.delay_ms);
}

void note(Gateway& gateway, const model::Group& group, const wire::Message& message, bool dead) {
    ++(dead ? gateway.counters.dead_letters : gateway.counters.sent_back);
    const auto real = wire::find_property(message.properties, wire::property::retry_topic);
    const model::Topic* topic = gateway.catalog().topic(real ? *real : message.topic);
    if (topic) gateway.traffic.sent_back(group.id, topic->id, dead);
}

}  // namespace

void send_back(Call& call) {
    SendBack request;
    if (!request.read(call)) return;
    Gateway& gateway = call.gateway;
    const auto group = find_or_create_group(gateway, call.session, request.group);
    if (!group) return call.fail(ResponseCode::subscription_group_not_exist, group.error().message);
    if ((*group)->retry_queues == 0) return call.ok();  // a group that wants no retries, as in the original
    if (!gateway.sends.room_for(1))
        return call.fail(ResponseCode::system_busy, "too many sends wait for the disk, try again later");

    const Place place = place_of(request.offset);
    const auto original = copy_message(gateway, call.session, place);
    if (!original)
        return call.park_or_fail(
            original.error(), ResponseCode::system_error,
            fmt::format("look message by offset failed, {}: {}", request.offset, original.error().message));
    const auto message = wire::decode_stored(as_bytes(*original));
    if (!message) return call.fail(message.error());

    const auto retry = plan(call, request, **group, tries_of(*message));
    if (!retry) return call.fail(response_code(retry.error().code), retry.error().message);
    if (!retry->topic->permission.writable() || retry->topic->write_queues == 0)
        return call.fail(ResponseCode::no_permission,
                         fmt::format("the topic[{}] sending message is forbidden", retry->topic->name));

    const auto number = static_cast<std::int32_t>(gateway.random.below(retry->topic->write_queues));
    build_properties(gateway, *message,
                     wire::make_offset_message_id(call.session.advertised(), request.offset), retry->dead);
    const auto receipt = store_retry(call, *message, *retry, number);
    if (!receipt) return call.fail(response_code(receipt.error().code), receipt.error().message);
    note(gateway, **group, *message, retry->dead);
    gateway.traffic.in(retry->topic->id, 1, gateway.payload.size());
    if (call.oneway()) return call.stats.took(0);
    gateway.sends.push({.receipt = *receipt,
                        .session = call.session.handle(),
                        .reply = call.header.reply_to(),
                        .stats = &call.stats,
                        .started_ns = call.started_ns,
                        .queue = number,
                        .with_id = false});
}

}  // namespace posthorn::gateway::remoting
