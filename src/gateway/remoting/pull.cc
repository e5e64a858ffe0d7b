#include <algorithm>
#include <cstring>

#include "call.h"
#include "catalog_rules.h"
#include "gateway.h"
#include "handlers.h"
#include "wire/remoting/frame_writer.h"
#include "wire/remoting/message.h"
#include "wire/remoting/properties.h"

namespace posthorn::gateway::remoting {

namespace {

// Bits of a pull's sysFlag.
constexpr std::int32_t kCommitsOffset = 1, kMayWait = 2, kHasSubscription = 4;

/// Puts messages behind one another as the client gets them.
class PullBody final : public broker::MessageSink {
  public:
    PullBody(Buffer& out, const wire::Host& store_host) : out_(out), store_host_(store_host) {}

    bool on_message(const broker::Stored& message, model::QueueOffset offset) override {
        if (message.format != kRemotingFormat) return true;
        const std::size_t size = message.payload.size();
        std::byte* to = out_.extend(size);
        std::memcpy(to, message.payload.data(), size);
        wire::patch_stored({to, size}, static_cast<std::int64_t>(offset.value()),
                           physical_offset({message.position, false}), message.time, store_host_);
        ++count_;
        return true;
    }
    std::uint32_t count() const { return count_; }

  private:
    Buffer& out_;
    const wire::Host& store_host_;
    std::uint32_t count_ = 0;
};

struct Outcome {
    ResponseCode code;
    std::string_view remark;  ///< the original's name of the store's status
};

Outcome outcome_of(const broker::Fetched& fetched, model::QueueOffset asked) {
    using enum broker::FetchStatus;
    const bool from_start = asked.value() == 0;
    switch (fetched.status) {
        case found:
            return {ResponseCode::success, "FOUND"};
        case no_match:
            return {ResponseCode::pull_retry_immediately, "NO_MATCHED_MESSAGE"};
        case at_end:
            return {ResponseCode::pull_not_found, "OFFSET_OVERFLOW_ONE"};
        case empty:
            return {from_start ? ResponseCode::pull_not_found : ResponseCode::pull_offset_moved,
                    "NO_MESSAGE_IN_QUEUE"};
        case beyond:
            return {ResponseCode::pull_offset_moved, "OFFSET_OVERFLOW_BADLY"};
        case before:
            return {ResponseCode::pull_offset_moved, "OFFSET_TOO_SMALL"};
        case loading:
            return {ResponseCode::pull_retry_immediately, "OFFSET_FOUND_NULL"};
        case no_queue:
            return {from_start ? ResponseCode::pull_not_found : ResponseCode::pull_offset_moved,
                    "NO_MATCHED_LOGIC_QUEUE"};
    }
    return {ResponseCode::system_error, "UNKNOWN"};
}

void write_answer(Session& session, const PullOrder& order, const Outcome& outcome,
                  const broker::Fetched& fetched, Bytes body) {
    auto writer = wire::FrameWriter::response(session.out(), order.reply, outcome.code, outcome.remark);
    writer.field("suggestWhichBrokerId", "0");
    writer.field("nextBeginOffset", fetched.next.value());
    writer.field("minOffset", fetched.begin.value());
    writer.field("maxOffset", fetched.end.value());
    if (!body.empty()) writer.body().append(body);
    if (const auto done = writer.finish(); !done)
        (void)wire::FrameWriter::response(session.out(), order.reply, ResponseCode::system_error,
                                          done.error().message)
            .finish();
}

/// Nothing there yet, and nothing will be until somebody sends.
bool at_the_end(const broker::Fetched& fetched) {
    return fetched.status == broker::FetchStatus::at_end || fetched.status == broker::FetchStatus::empty;
}

/// The original keeps a record of every client it had to correct, in a topic of its own.
void note_offset_moved(Gateway& gateway, const PullOrder& order, const broker::Fetched& fetched) {
    const model::Topic* notes = gateway.catalog().topic(kOffsetMovedTopic);
    const model::Topic* topic = gateway.catalog().topic(order.topic);
    const model::Group* group = gateway.catalog().group(order.group);
    if (!notes || notes->queues.empty() || !topic || !group || gateway.broker.refusing()) return;
    const std::string body = fmt::format(
        R"({{"consumerGroup":"{}","messageQueue":{{"brokerName":"{}","queueId":{},"topic":"{}"}},)"
        R"("offsetNew":{},"offsetRequest":{}}})",
        group->name, gateway.options.broker_name, gateway.catalog().owner(order.queue).number, topic->name,
        fetched.next.value(), order.from.value());
    Buffer& properties = gateway.properties;
    properties.clear();
    wire::append_property(properties, wire::property::keys, group->name);
    wire::append_property(properties, wire::property::tags, group->name);
    gateway.payload.clear();
    const auto built = wire::append_stored({.topic = notes->name,
                                            .born_ms = gateway.broker.now().wall_ms,
                                            .born_host = {},
                                            .body = as_bytes(body),
                                            .properties = as_text(properties.view()),
                                            .added_properties = {},
                                            .store_host = {}},
                                           gateway.payload);
    if (!built) return;
    (void)gateway.broker.publish({.queue = notes->queues.front(),
                                  .format = kRemotingFormat,
                                  .tag = model::tag_hash(group->name),
                                  .payload = gateway.payload.view()});
}

bool suspended(Gateway& gateway, const PullOrder& order) {
    const model::Group* group = gateway.catalog().group(order.group);
    return !group || !group->consume_enabled;
}

}  // namespace

PullStep step_pull(Gateway& gateway, Session& session, const PullOrder& order, PullStage stage,
                   model::QueueOffset& scanned) {
    if (stage != PullStage::first && suspended(gateway, order)) {
        (void)wire::FrameWriter::response(session.out(), order.reply, ResponseCode::no_permission,
                                          "subscription group no permission, it was suspended meanwhile")
            .finish();
        return PullStep::answered;
    }
    Buffer& messages = gateway.payload;
    broker::Fetched fetched;
    PullBody body(messages, session.advertised());
    while (true) {
        messages.clear();
        if (session.congested()) {
            // The client has not read what it was given: let it come again when it has.
            const store::Range range = gateway.broker.range(order.queue);
            fetched = {broker::FetchStatus::no_match, 0, scanned, range.begin, range.end};
            break;
        }
        fetched = gateway.broker.fetch({.queue = order.queue,
                                        .from = scanned,
                                        .max_messages = order.max_messages,
                                        .max_bytes = order.max_bytes,
                                        .filter = order.filter.get()},
                                       body);
        if (fetched.status == broker::FetchStatus::loading) return PullStep::wait_for_disk;
        if (at_the_end(fetched) && stage != PullStage::last) return PullStep::wait_for_message;
        const bool skipped = fetched.status == broker::FetchStatus::no_match && fetched.next > scanned;
        if (!skipped || stage != PullStage::woken) break;
        scanned = fetched.next;
    }

    Outcome outcome = outcome_of(fetched, order.from);
    if (at_the_end(fetched) && scanned > order.from)
        outcome = {ResponseCode::pull_retry_immediately, "NO_MATCHED_MESSAGE"};
    write_answer(session, order, outcome, fetched, messages.view());
    order.stats->took(gateway.clock.steady_ns() - order.started_ns);
    gateway.traffic.pulled({.group = order.group,
                            .topic = order.topic,
                            .queue = order.queue_number,
                            .next = fetched.next,
                            .messages = body.count(),
                            .bytes = messages.size()});
    if (outcome.code == ResponseCode::pull_offset_moved && stage != PullStage::woken) {
        // A woken pull is inside the engine's end of a tick, where nothing is published.
        note_offset_moved(gateway, order, fetched);
    }
    return PullStep::answered;
}

namespace {

/// What the request says, read once.
struct PullFields {
    std::string_view group, topic, subscription, expression_type;
    std::int32_t queue = 0, max_messages = 0, flags = 0, max_bytes = 0;
    std::int64_t offset = 0, commit = 0, hold_ms = 0, sub_version = 0;

    bool read(Call& call) {
        subscription = call.header.text("subscription");
        expression_type = call.header.text("expressionType");
        return call.text("consumerGroup", group) && call.text("topic", topic) &&
               call.number("queueId", queue) && call.number("queueOffset", offset) &&
               call.number("maxMsgNums", max_messages) && call.number("sysFlag", flags) &&
               call.number_or("commitOffset", 0, commit) &&
               call.number_or("suspendTimeoutMillis", 0, hold_ms) &&
               call.number_or("subVersion", 0, sub_version) && call.number_or("maxMsgBytes", 0, max_bytes);
    }
};

bool find_group(Call& call, const PullFields& fields, const model::Group*& group) {
    const auto found = find_or_create_group(call.gateway, call.session, fields.group);
    if (!found) {
        call.fail(ResponseCode::subscription_group_not_exist, found.error().message);
        return false;
    }
    group = *found;
    if (group->consume_enabled) return true;
    call.fail(ResponseCode::no_permission, fmt::format("subscription group no permission, {}", fields.group));
    return false;
}

bool find_topic(Call& call, const PullFields& fields, const model::Topic*& topic) {
    topic = call.session.topic(fields.topic);
    if (!topic) {
        call.fail(
            ResponseCode::topic_not_exist,
            fmt::format("topic[{}] not exist, apply first please! Create it with updateTopic", fields.topic));
        return false;
    }
    if (!topic->permission.readable()) {
        call.fail(ResponseCode::no_permission,
                  fmt::format("the topic[{}] pulling message is forbidden", fields.topic));
        return false;
    }
    if (fields.queue < 0 || static_cast<std::uint32_t>(fields.queue) >= topic->read_queues) {
        call.fail(
            ResponseCode::system_error,
            fmt::format("queueId[{}] is illegal, topic:[{}] topicConfig.readQueueNums:[{}] consumer:[{}]",
                        fields.queue, fields.topic, topic->read_queues, call.session.peer_text()));
        return false;
    }
    return true;
}

bool refuse_expression(Call& call, std::string_view type) {
    if (tag_type(type)) return false;
    call.fail(ResponseCode::system_error,
              fmt::format("The broker does not support consumer to filter message by {}", type));
    return true;
}

/// The filter the pull carries, or the one its group said in its heartbeats.
bool find_filter(Call& call, const PullFields& fields, const model::Group& group, Filter& filter) {
    if (fields.flags & kHasSubscription) {
        if (refuse_expression(call, fields.expression_type)) return false;
        auto parsed = call.gateway.subscriptions.filter(fields.subscription);
        if (!parsed) {
            call.fail(ResponseCode::subscription_parse_failed,
                      fmt::format("parse the consumer's subscription failed: {}", parsed.error().message));
            return false;
        }
        filter = std::move(*parsed);
        return true;
    }
    const ConsumerGroup* consumers = call.gateway.clients.consumers(fields.group);
    if (!consumers) {
        call.fail(ResponseCode::subscription_not_exist,
                  "the consumer's group info not exist: no member of the group sent a heartbeat");
        return false;
    }
    if (!group.broadcast_enabled && consumers->model == wire::MessageModel::broadcasting) {
        call.fail(ResponseCode::no_permission,
                  fmt::format("the consumer group[{}] can not consume by broadcast way", fields.group));
        return false;
    }
    const Subscription* subscription = consumers->subscription(fields.topic);
    if (!subscription) {
        call.fail(
            ResponseCode::subscription_not_exist,
            "the consumer's subscription not exist: members of one group must subscribe to the same topics");
        return false;
    }
    if (refuse_expression(call, subscription->data.expression_type)) return false;
    // Java 5 clients change the version and now and then lose the heartbeat that would tell it (their timer
    // holds its lock); the original then answers 25, not latest, until the next one, up to 30 s later. We let
    // everything through instead: clients compare tags themselves, so nothing is lost and nobody waits.
    if (subscription->data.version >= fields.sub_version) filter = subscription->filter;
    return true;
}

PullOrder order_of(Call& call, const PullFields& fields, const model::Group& group,
                   const model::Topic& topic) {
    const RemotingOptions& options = call.gateway.options;
    const std::uint32_t bytes =
        fields.max_bytes > 0 ? std::min(static_cast<std::uint32_t>(fields.max_bytes), options.pull_bytes_max)
                             : options.pull_bytes_max;
    const std::int64_t hold_ms =
        std::min<std::int64_t>(std::max<std::int64_t>(fields.hold_ms, 0), options.pull_hold_max.count());
    return {.reply = call.header.reply_to(),
            .group = group.id,
            .topic = topic.id,
            .queue = topic.queues[static_cast<std::size_t>(fields.queue)],
            .queue_number = static_cast<std::uint32_t>(fields.queue),
            .from = model::QueueOffset(static_cast<std::uint64_t>(std::max<std::int64_t>(fields.offset, 0))),
            .max_messages = std::clamp<std::uint32_t>(
                static_cast<std::uint32_t>(std::max(fields.max_messages, 1)), 1, options.pull_messages_max),
            .max_bytes = bytes,
            .filter = {},
            .hold_until_ms = (fields.flags & kMayWait) && hold_ms > 0
                                 ? call.session.last_arrival_ns() / 1'000'000 + hold_ms
                                 : 0,
            .started_ns = call.session.last_arrival_ns(),
            .stats = &call.stats};
}

/// An offset below zero is below every queue's first.
void answer_below(Call& call, const PullOrder& order) {
    const store::Range range = call.gateway.broker.range(order.queue);
    const broker::Fetched fetched{broker::FetchStatus::before, 0, range.begin, range.begin, range.end};
    write_answer(call.session, order, outcome_of(fetched, order.from), fetched, {});
}

}  // namespace

void pull_message(Call& call) {
    PullFields fields;
    const model::Group* group = nullptr;
    const model::Topic* topic = nullptr;
    Filter filter;
    if (!fields.read(call) || !find_group(call, fields, group) || !find_topic(call, fields, topic) ||
        !find_filter(call, fields, *group, filter))
        return;
    Gateway& gateway = call.gateway;
    PullOrder order = order_of(call, fields, *group, *topic);
    order.filter = std::move(filter);
    // An offset that finds no room does not stop the pull: the broker counts it and says so.
    if ((fields.flags & kCommitsOffset) && fields.commit >= 0)
        static_cast<void>(gateway.broker.commit_progress(
            group->id, order.queue, model::QueueOffset(static_cast<std::uint64_t>(fields.commit))));
    if (call.oneway()) return;
    if (fields.offset < 0) return answer_below(call, order);

    const PullStage stage = order.hold_until_ms != 0 ? PullStage::first : PullStage::last;
    model::QueueOffset scanned = order.from;
    const PullStep step = step_pull(gateway, call.session, order, stage, scanned);
    if (step == PullStep::answered) return;
    if (!gateway.pulls.room_for(call.session)) {
        ++gateway.counters.busy_refusals;
        return call.fail(ResponseCode::system_busy,
                         "this connection has too many pulls waiting, pull again later");
    }
    gateway.pulls.hold(call.session, order, stage, scanned, step);
}

}  // namespace posthorn::gateway::remoting
