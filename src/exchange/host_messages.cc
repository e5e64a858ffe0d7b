#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "host_state.h"

namespace posthorn::exchange {
namespace {

// A circle of queues that reject and dead-letter to each other is cut by its codec; should it not be, a call
// ends here and the rest goes with the next tick.
constexpr std::size_t dead_at_once = 10'000;
// A tick routes no more delayed messages: clients get their turn.
constexpr std::uint32_t due_at_once = 1024;

Letter letter_of(const Publication& message) {
    return {message.format,      message.persistent, message.priority, message.ttl_ms,
            message.message_key, message.body_bytes, message.payload};
}

}  // namespace

// --- in ----------------------------------------------------------------------------------------------------

Result<Published> HostState::publish(const Publication& message) {
    const Route* route = message.more_keys.empty() && message.delay_ms <= 0
                             ? router_.known(message.exchange, message.key)
                             : nullptr;
    ExchangeState* exchange = route ? route->exchange : nullptr;
    if (!exchange) {
        auto found = exchange_for(message.exchange);
        if (!found) return found.error();
        exchange = *found;
    }
    if (exchange->spec.internal) [[unlikely]]
        return Error{Errc::denied,
                     "cannot publish to internal " + describe("exchange", message.exchange, name_)};
    ++exchange->counts.in;
    if (!route) {
        if (message.delay_ms > 0) {
            if (exchange->delayed) return delay(letter_of(message), message.delay_ms);
            advise_of_delay(*exchange);
        }
        route = &router_.find(*exchange, {message.key, message.headers, 0}, message.more_keys);
    }
    exchange->counts.out += route->queues.size();
    return deliver(route->queues, letter_of(message));
}

void HostState::advise_of_delay(ExchangeState& exchange) {
    if (std::exchange(exchange.delay_advised, true)) return;
    log_warn(
        "exchange",
        "{} was sent a message with x-delay and is of type {}, which delays nothing (x-delayed-message does)",
        describe("exchange", exchange.spec.name, name_), exchange.spec.type);
}

Result<Published> HostState::deliver(std::span<QueueState* const> queues, const Letter& letter) {
    Published published;
    if (queues.empty()) return published;
    const auto keeps_all = [](const QueueState* queue) { return queue->settings().quorum; };
    if (!letter.persistent && std::any_of(queues.begin(), queues.end(), keeps_all)) [[unlikely]] {
        Letter kept = letter;  // whatever the publisher asked for
        kept.persistent = true;
        return deliver(queues, kept);
    }
    published.outcome = Published::Outcome::routed;
    if (queues.size() == 1 && !queues[0]->full_for(letter.body_bytes)) [[likely]] {
        const Target only{queues[0], queues[0]->lane_number(letter.priority)};
        if (auto appended = append({&only, 1}, letter, published); !appended) return appended.error();
        return published;
    }
    targets_.clear();
    full_.clear();
    for (QueueState* queue : queues) {
        if (queue->full_for(letter.body_bytes)) [[unlikely]]
            full_.push_back(queue);
        else
            targets_.push_back({queue, queue->lane_number(letter.priority)});
    }
    if (!targets_.empty())
        if (auto appended = append(targets_, letter, published); !appended) return appended.error();
    // After what can fail: a publisher that must try again has left nothing behind.
    if (!full_.empty()) published.outcome = Published::Outcome::rejected;
    for (QueueState* queue : full_)
        overflow_to_dead(*queue, letter);
    return published;
}

/// In all of them or in none.
Result<void> HostState::append(std::span<const Target> targets, const Letter& letter, Published& published) {
    broker::Publication record;
    record.format = letter.format;
    record.priority = letter.priority;
    record.tag = make_tag(letter.body_bytes, letter.persistent);
    record.key = letter.message_key;
    record.expires_ms = letter.ttl_ms ? desk_.broker.now().wall_ms + *letter.ttl_ms : 0;
    record.persistent = letter.persistent;
    record.payload = letter.payload;
    bool keep = false;
    queue_ids_.clear();
    for (const Target& target : targets) {
        record.queue = target.queue->lane_queue(target.lane);
        if (record.queue == model::QueueId()) [[unlikely]] {
            if (auto opened = target.queue->open_lane(target.lane); !opened) return opened;
            record.queue = target.queue->lane_queue(target.lane);
        }
        if (targets.size() > 1) queue_ids_.push_back(record.queue);
        if (!letter.persistent || !target.queue->spec().durable) continue;
        keep = true;
        published.must_sync |= !target.queue->settings().confirm_written;
    }
    record.queues = queue_ids_;
    const auto receipt = desk_.broker.publish(record);
    if (!receipt) [[unlikely]]
        return receipt.error();
    if (keep) published.receipt = *receipt;
    for (const Target& target : targets)
        target.queue->appended(target.lane, letter, record.expires_ms);
    return {};
}

// --- out, one by one ---------------------------------------------------------------------------------------

Result<VirtualHost::Got> HostState::get(
    Queue& queue, bool settle, const std::function<void(const broker::Stored&, const Delivery&)>& take) {
    if (queue.settings().quorum && queue.settings().single_active_consumer)
        return Error{
            Errc::busy,
            fmt::format("cannot obtain access to locked {}. basic.get operations are not supported by "
                        "quorum queues with single active consumer",
                        describe("queue", queue.spec().name, name_))};
    return static_cast<QueueState&>(queue).get(settle, take);
}

void HostState::wait_ready(Queue& queue, broker::Waiter& waiter) {
    static_cast<QueueState&>(queue).wait_ready(waiter);
}

// --- the dead ----------------------------------------------------------------------------------------------

bool HostState::has_grave(const QueueState& queue) const {
    const auto& exchange = queue.settings().dead_letter_exchange;
    return exchange && find_exchange(*exchange);
}

void HostState::bury(QueueState& queue, const broker::Stored& message, const DeliveryId& id,
                     DeathReason reason) {
    PayloadCodec* const codec = desk_.codec(message.format);
    POSTHORN_CHECK(codec, "a message dies in a format without codec");
    const QueueSettings& settings = queue.settings();
    const Death death{reason, queue.spec().name, desk_.broker.now().wall_ms, *settings.dead_letter_exchange,
                      settings.dead_letter_key ? &*settings.dead_letter_key : nullptr};
    desk_.dead.push_back({this, message.format, tag_persistent(message.tag), message.key, reason,
                          codec->bury(message, death), &queue, id});
}

/// It was never stored, so its copy is made from what would have been.
void HostState::overflow_to_dead(QueueState& queue, const Letter& letter) {
    queue.count_death(DeathReason::max_length);
    if (queue.settings().overflow != Overflow::reject_publish_dead_letter || !has_grave(queue)) return;
    broker::Stored message;
    message.kind = store::RecordKind::message;
    message.format = letter.format;
    message.priority = letter.priority;
    message.tag = make_tag(letter.body_bytes, letter.persistent);
    message.key = letter.message_key;
    message.time = desk_.broker.now().wall_ms;
    message.payload = letter.payload;
    bury(queue, message, {}, DeathReason::max_length);
    desk_.dead.back().from = nullptr;
    queue.count_dead_letter();
}

void HostState::send_dead() {
    std::vector<DeadLetter> now;
    desk_.tick_owed |= !desk_.dead.empty();
    for (std::size_t sent = 0; !desk_.dead.empty() && sent < dead_at_once;) {
        now.swap(desk_.dead);
        sent += now.size();
        for (DeadLetter& dead : now)
            dead.host->send(dead);
        now.clear();
    }
}

void HostState::send(DeadLetter& dead) {
    Letter letter;
    letter.format = dead.format;
    letter.persistent = dead.persistent;
    letter.message_key = dead.message_key;
    const auto published = publish_again(dead.letter, letter, dead.from != nullptr);
    if (!dead.from) return;
    if (published) {
        dead.from->count_dead_letter();
        dead.from->buried(dead.id);
    } else {
        dead.from->resurrected(dead.id);
    }
}

/// `original_goes` once its copy is written: that must not lie in a queue that a crash would still take. Such
/// a queue is busy, and gets it a little later.
Result<Published> HostState::publish_again(const Travelling& travelling, Letter letter, bool original_goes) {
    letter.priority = travelling.priority;
    letter.ttl_ms = travelling.ttl_ms;
    letter.body_bytes = travelling.body_bytes;
    letter.payload = travelling.payload.view();
    ExchangeState* const exchange = find_exchange(travelling.exchange);
    if (!exchange) return Published{};
    if (exchange->delayed && travelling.delay_ms > 0) {
        if (auto opened = open_delayed(); !opened) return opened.error();
        if (letter.persistent && original_goes && !desk_.broker.catalog().defined(delayed_.queue))
            return Error{Errc::busy, fmt::format("vhost '{}' keeps no delayed messages yet", name_)};
        return delay(letter, travelling.delay_ms);
    }
    const std::vector<std::string_view> more_keys(travelling.more_keys.begin(), travelling.more_keys.end());
    const Route& route = router_.find(*exchange, {travelling.key, travelling.headers.get(), 0}, more_keys);
    if (original_goes)
        if (auto fine = all_defined(route.queues, letter); !fine) return fine.error();
    if (travelling.closed_circle.empty()) return deliver(route.queues, letter);
    std::vector<QueueState*> queues;
    for (QueueState* queue : route.queues) {
        const std::string& name = queue->spec().name;
        if (std::find(travelling.closed_circle.begin(), travelling.closed_circle.end(), name) ==
            travelling.closed_circle.end())
            queues.push_back(queue);
        else if (circles_.allows(desk_.broker.now().steady_ms * 1'000'000))
            log_warn("exchange",
                     "{}: a message came round in a circle of dead letters and is dropped (and {} "
                     "before it)",
                     queue->describe(), circles_.left_out());
    }
    return deliver(queues, letter);
}

Result<void> HostState::all_defined(std::span<QueueState* const> queues, const Letter& letter) {
    for (QueueState* queue : queues) {
        const bool kept = letter.persistent || queue->settings().quorum;
        if (!kept || !queue->spec().durable) continue;
        const std::uint8_t lane = queue->lane_number(letter.priority);
        if (queue->lane_queue(lane) == model::QueueId())
            if (auto opened = queue->open_lane(lane); !opened) return opened;
        if (!desk_.broker.catalog().defined(queue->lane_queue(lane)))
            return Error{Errc::busy, queue->describe() + " is not durable yet"};
    }
    return {};
}

// --- the delayed -------------------------------------------------------------------------------------------

Result<void> HostState::open_delayed() {
    if (delayed_.queue != model::QueueId()) return {};
    const std::string name = fmt::format("{}{}", delayed_prefix, number_);
    auto queue = desk_.broker.catalog().put_named_queue(name);
    if (!queue) return queue.error();
    auto reader = desk_.broker.open_reader(name, *queue);
    if (!reader) return reader.error();
    delayed_ = {*queue, *reader, 0};
    due_left_ = true;
    return {};
}

Result<Published> HostState::delay(const Letter& letter, std::int64_t delay_ms) {
    if (auto opened = open_delayed(); !opened) return opened.error();
    broker::Publication record;
    record.queue = delayed_.queue;
    record.format = letter.format;
    record.priority = letter.priority;
    record.tag = make_tag(letter.body_bytes, letter.persistent);
    record.key = letter.message_key;
    record.payload = letter.payload;
    delay_ms = std::min(delay_ms, desk_.broker.options().max_delay_ms);  // years: nobody tells from for ever
    const auto receipt = desk_.broker.publish_at(record, desk_.broker.now().wall_ms + delay_ms);
    if (!receipt) return receipt.error();
    Published published;
    published.outcome = Published::Outcome::routed;
    if (letter.persistent) {
        published.receipt = *receipt;
        published.must_sync = true;
    }
    return published;
}

namespace {

struct DueOne {
    model::QueueOffset offset;
    store::Format format;
    std::int32_t tag;
    std::uint64_t key;
    Travelling travelling;
};

class CollectDue final : public broker::OfferSink {
  public:
    explicit CollectDue(const Desk& desk) : desk_(desk) {}
    broker::Offer on_offer(const broker::Stored& message, const broker::Taken& taken) override {
        PayloadCodec* const codec = desk_.codec(message.format);
        if (!codec) return broker::Offer::leave;  // it will be given one
        sated = copied_ >= Desk::copied_bytes_at_once;
        if (sated) return broker::Offer::leave;
        copied_ += message.payload.size();
        due.push_back({taken.offset, message.format, message.tag, message.key, codec->open(message)});
        due.back().travelling.delay_ms = 0;  // it has waited
        return broker::Offer::hold;
    }
    std::vector<DueOne> due;
    bool sated = false;  ///< there is more

  private:
    const Desk& desk_;
    std::size_t copied_ = 0;
};

}  // namespace

void HostState::route_due() {
    if (!std::exchange(due_left_, false)) return;
    CollectDue collect(desk_);
    const auto offered = desk_.broker.offer(delayed_.reader, due_at_once, collect);
    due_left_ = collect.sated || (offered && *offered == due_at_once);
    for (const DueOne& one : collect.due) {
        Letter letter;
        letter.format = one.format;
        letter.persistent = tag_persistent(one.tag);
        letter.message_key = one.key;
        const bool routed = publish_again(one.travelling, letter, true).ok();
        const auto done = routed ? desk_.broker.settle(delayed_.reader, one.offset)
                                 : desk_.broker.requeue(delayed_.reader, one.offset, 100);
        if (!done) log_warn("exchange", "vhost '{}': {}", name_, done.error().message);
    }
    if (!due_left_) desk_.broker.wait_reader(delayed_.reader, due_);
}

}  // namespace posthorn::exchange
