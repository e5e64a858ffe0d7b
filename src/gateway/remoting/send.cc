#include <algorithm>
#include <span>

#include "call.h"
#include "catalog_rules.h"
#include "gateway.h"
#include "handlers.h"
#include "incoming_properties.h"
#include "wire/remoting/batch.h"
#include "wire/remoting/message.h"
#include "wire/remoting/properties.h"
#include "wire/remoting/send_request.h"

namespace posthorn::gateway::remoting {

namespace {

constexpr std::int32_t kSendsMaxReconsumeTimes = 121;  // V3_4_9: older clients mean nothing by this field

/// Where a send goes. `number` is what the client calls queueId.
struct Destination {
    const model::Topic* topic = nullptr;
    std::int32_t number = 0;
    model::QueueId queue() const { return topic->queues[static_cast<std::size_t>(number)]; }
};

/// One message of a send.
struct Piece {
    std::int32_t flag = 0;
    Bytes body;
    std::string_view properties;
    std::span<const wire::Property> items;  ///< or the properties one by one

    Result<IncomingProperties> read_properties(Buffer& stored) const {
        return items.empty() ? IncomingProperties::read(properties, stored)
                             : IncomingProperties::read(items, stored);
    }
};

const model::Topic* find_topic(Call& call, const wire::SendRequest& request) {
    if (const model::Topic* known = call.session.topic(request.topic)) {
        if (!reserved(request.topic)) return known;
    }
    if (const std::string_view fault = topic_name_fault(request.topic); !fault.empty()) {
        call.fail(ResponseCode::system_error, fault);
        return nullptr;
    }
    if (reserved(request.topic)) {
        call.fail(ResponseCode::no_permission,
                  fmt::format("Sending message to topic[{}] is forbidden.", request.topic));
        return nullptr;
    }
    const auto made =
        create_for_send(call.gateway, request.topic, request.default_topic, request.default_topic_queues);
    if (!made) {
        call.fail(response_code(made.error().code), made.error().message);
        return nullptr;
    }
    if (!*made)
        call.fail(ResponseCode::topic_not_exist,
                  fmt::format("topic[{}] not exist, apply first please! Create it with updateTopic, or allow "
                              "automatic creation (autoCreateTopicEnable)",
                              request.topic));
    return *made;
}

/// Topic and queue of a plain send, checked; answers when they cannot be.
bool find_destination(Call& call, const wire::SendRequest& request, Destination& to) {
    to.topic = find_topic(call, request);
    if (!to.topic) return false;
    // The topic's permission is not asked, as in the original: routes tell producers where not to write, and
    // one that still has the old route goes on until it has the new one.
    const model::Topic& topic = *to.topic;
    const std::uint32_t valid = std::max(topic.write_queues, topic.read_queues);
    if (request.queue_id >= static_cast<std::int64_t>(valid) || valid == 0) {
        call.fail(ResponseCode::invalid_parameter,
                  fmt::format("request queueId[{}] is illegal, topic [{}] has {} write and {} read queues, "
                              "Producer: {}",
                              request.queue_id, topic.name, topic.write_queues, topic.read_queues,
                              call.session.peer_text()));
        return false;
    }
    to.number = request.queue_id >= 0
                    ? request.queue_id
                    : static_cast<std::int32_t>(call.gateway.random.below(std::max(topic.write_queues, 1u)));
    return true;
}

/// A retried message whose tries are used up goes to the group's dead letters instead. False: answered.
bool redirect_dead(Call& call, const wire::SendRequest& request, Destination& to, bool& dead) {
    dead = false;
    if (!request.topic.starts_with(kRetryPrefix)) return true;
    const std::string_view group_name = request.topic.substr(kRetryPrefix.size());
    const auto group = find_or_create_group(call.gateway, call.session, group_name);
    if (!group) {
        call.fail(ResponseCode::subscription_group_not_exist, group.error().message);
        return false;
    }
    std::int32_t tries = (*group)->retry_max;
    if (call.header.version >= kSendsMaxReconsumeTimes && request.max_reconsume_times)
        tries = *request.max_reconsume_times;
    if (request.reconsume_times < tries) return true;

    const auto letters = create_for_group(call.gateway, dead_letter_topic(group_name), 1);
    if (!letters) {
        call.fail(response_code(letters.error().code), letters.error().message);
        return false;
    }
    to = {*letters, 0};
    dead = true;
    ++call.gateway.counters.dead_letters;
    call.gateway.traffic.sent_back((*group)->id, (*letters)->id, true);
    return true;
}

bool check_sizes(Call& call, const Piece& piece) {
    const std::uint32_t most = call.gateway.message_max();
    if (piece.body.size() > most) {
        call.fail(ResponseCode::message_illegal,
                  fmt::format("the message is illegal: its body of {} bytes is over the limit of {} bytes "
                              "(maxMessageSize)",
                              piece.body.size(), most));
        return false;
    }
    if (piece.properties.size() > wire::kMaxProperties) {
        call.fail(
            ResponseCode::message_illegal,
            fmt::format("the message is illegal: its properties of {} bytes are over the limit of {} bytes",
                        piece.properties.size(), wire::kMaxProperties));
        return false;
    }
    return true;
}

/// Builds the stored form in `gateway.payload` and hands it to the engine. The properties were just read:
/// `gateway.properties` is how they are stored.
Result<broker::Receipt> store(Call& call, const wire::SendRequest& request, const Destination& to,
                              const Piece& piece, const IncomingProperties& known, std::int64_t due_ms) {
    Gateway& gateway = call.gateway;
    Buffer& properties = gateway.properties;
    std::uint64_t key;
    if (known.unique_key.empty()) {
        const auto id = gateway.unique_keys.next(
            gateway.broker.now().wall_ms, load_be<std::uint32_t>(call.session.advertised().address.data()));
        wire::append_property(properties, wire::property::unique_key, id);
        key = message_key(to.topic->name, id);
    } else {
        key = message_key(to.topic->name, known.unique_key);
    }
    if (known.cluster.empty()) properties.append(gateway.cluster_property.view());

    gateway.payload.clear();
    const auto built = wire::append_stored({.topic = to.topic->name,
                                            .queue_id = to.number,
                                            .flag = piece.flag,
                                            .sys_flag = request.sys_flag & ~wire::kSysTransactionMask,
                                            .born_ms = request.born_ms,
                                            .born_host = call.session.peer(),
                                            .reconsume_times = request.reconsume_times,
                                            .body = piece.body,
                                            .properties = as_text(properties.view()),
                                            .added_properties = {},
                                            .store_host = call.session.advertised()},
                                           gateway.payload);
    if (!built) return built.error();

    const broker::Publication message{.queue = to.queue(),
                                      .format = kRemotingFormat,
                                      .tag = known.tags.empty() ? 0 : model::tag_hash(known.tags),
                                      .key = key,
                                      .payload = gateway.payload.view()};
    return due_ms == 0 ? gateway.broker.publish(message) : gateway.broker.publish_at(message, due_ms);
}

void fail_store(Call& call, const Error& reason) {
    const ResponseCode code =
        reason.code == Errc::invalid ? ResponseCode::message_illegal : response_code(reason.code);
    if (code == ResponseCode::system_busy) ++call.gateway.counters.busy_refusals;
    call.fail(code, reason.message);
}

bool refuse_transaction(Call& call, const wire::SendRequest& request, const IncomingProperties& known) {
    if (!known.transaction && (request.sys_flag & wire::kSysTransactionMask) != wire::kSysTransactionPrepared)
        return false;
    call.fail(
        ResponseCode::no_permission,
        "the broker sending transaction message is forbidden: this broker does not serve transactions yet");
    return true;
}

/// The sender hears when the disk has it, or at once when it did not want to wait for that.
void answer(Call& call, const Destination& to, std::span<const broker::Receipt> receipts, bool wait) {
    if (call.oneway()) return call.stats.took(0);
    if (!wait) {
        write_send_reply(call.gateway, call.session, call.session.out(), call.header.reply_to(), to.number,
                         receipts);
        return call.stats.took(0);
    }
    for (std::size_t n = 0; n < receipts.size(); ++n)
        call.gateway.sends.push({.receipt = receipts[n],
                                 .session = call.session.handle(),
                                 .reply = call.header.reply_to(),
                                 .stats = &call.stats,
                                 .started_ns = call.session.last_arrival_ns(),
                                 .queue = to.number,
                                 .parts = static_cast<std::uint32_t>(receipts.size() - n)});
}

void send_one(Call& call, const wire::SendRequest& request, Destination to) {
    const Piece piece{request.flag, call.body, request.properties, request.items};
    if (!check_sizes(call, piece)) return;
    const auto known = piece.read_properties(call.gateway.properties);
    if (!known) return call.fail(ResponseCode::message_illegal, known.error().message);
    if (refuse_transaction(call, request, *known)) return;
    bool dead = false;
    if (!redirect_dead(call, request, to, dead)) return;

    Gateway& gateway = call.gateway;
    const std::int64_t due_ms =
        dead ? 0 : known->due_ms(gateway.broker.now().wall_ms, gateway.options.delay_levels);
    const auto receipt = store(call, request, to, piece, *known, due_ms);
    if (!receipt) return fail_store(call, receipt.error());
    gateway.traffic.in(to.topic->id, 1, gateway.payload.size());
    answer(call, to, {&*receipt, 1}, known->wait);
}

void send_batch(Call& call, const wire::SendRequest& request, const Destination& to) {
    if (request.topic.starts_with(kRetryPrefix))
        return call.fail(ResponseCode::message_illegal,
                         fmt::format("batch request does not support retry group {}", request.topic));
    // The original's limit is that of the whole batch.
    if (!check_sizes(call, {0, call.body, {}, {}})) return;
    // All of it is looked at before anything is stored: a batch goes in whole or not at all.
    std::size_t count = 0, stored_bytes = 0;
    // The frame of a stored message, its topic and the properties that are added here.
    const std::size_t stored_extra = 256 + request.topic.size() + call.gateway.options.cluster_name.size();
    bool wait = true;
    wire::BatchCursor check(call.body);
    for (wire::BatchItem item;; ++count) {
        const auto more = check.next(item);
        if (!more) return call.fail(ResponseCode::message_illegal, more.error().message);
        if (!*more) break;
        if (!check_sizes(call, {item.flag, item.body, item.properties, {}})) return;
        const auto known = IncomingProperties::read(item.properties, call.gateway.properties);
        if (!known) return call.fail(ResponseCode::message_illegal, known.error().message);
        if (known->due_ms(1, call.gateway.options.delay_levels) != 0)
            return call.fail(ResponseCode::message_illegal, "a batch cannot hold delayed messages");
        if (refuse_transaction(call, request, *known)) return;
        wait = known->wait;
        stored_bytes += item.body.size() + item.properties.size() + stored_extra;
    }
    if (count == 0) return call.fail(ResponseCode::message_illegal, "an empty batch");
    Gateway& gateway = call.gateway;
    if (!gateway.sends.room_for(count))
        return fail_store(call, {Errc::full, "too many sends wait for the disk"});
    // (One of so many tiny messages that they do not fit together goes in as far as the disk lets it.)
    const auto room = gateway.broker.reserve(to.queue(), count, stored_bytes);
    if (!room && room.error().code != Errc::invalid) return fail_store(call, room.error());

    std::size_t bytes = 0;
    gateway.batch.clear();
    wire::BatchCursor cursor(call.body);
    for (wire::BatchItem item; gateway.batch.size() < count;) {
        if (const auto more = cursor.next(item); !more || !*more) break;
        const auto known = IncomingProperties::read(item.properties, gateway.properties);
        const auto receipt = store(call, request, to, {item.flag, item.body, item.properties, {}}, *known, 0);
        if (!receipt) return fail_store(call, receipt.error());
        bytes += gateway.payload.size();
        gateway.batch.push_back(*receipt);
    }
    gateway.traffic.in(to.topic->id, count, bytes);
    answer(call, to, gateway.batch, wait);
}

void take_send(Call& call, const wire::SendRequest& request) {
    if (!call.gateway.sends.room_for(1)) {
        ++call.gateway.counters.busy_refusals;
        return call.fail(ResponseCode::system_busy, "too many sends wait for the disk, try again later");
    }
    Destination to;
    if (!find_destination(call, request, to)) return;
    if (request.batch)
        send_batch(call, request, to);
    else
        send_one(call, request, to);
}

}  // namespace

void send_message(Call& call) {
    if (call.send) return take_send(call, *call.send);
    const auto request = wire::read_send_request(call.header);
    if (!request) return call.fail(request.error());
    take_send(call, *request);
}

}  // namespace posthorn::gateway::remoting
