#include "queue_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/log.h"
#include "desk.h"
#include "host_state.h"

namespace posthorn::exchange {

QueueState::QueueState(HostState& host, QueueSpec spec, std::uint64_t number)
    : host_(host),
      desk_(host.desk()),
      spec_(std::move(spec)),
      number_(number),
      consumers_(*this),
      wake_(*this),
      used_ms_(desk_.broker.now().steady_ms) {}

QueueState::~QueueState() {
    while (!consumers_.all().empty())
        consumers_.remove(*consumers_.all().back());
    Desk::set_time(desk_.expiries, *this, expiry, never);
    Desk::set_time(desk_.idles, *this, idle, never);
}

std::string QueueState::describe() const {
    return exchange::describe("queue", spec_.name, host_.name());
}

// --- its life ----------------------------------------------------------------------------------------------

/// Queues that go with the process are told by their name, so that the next start sweeps them away.
std::string QueueState::lane_name(std::uint8_t lane) const {
    return lane_queue_name(number_, spec_.durable, lane);
}

Result<void> QueueState::open() {
    // A lane is made when it is first used; what was used before a restart is found by its name.
    for (unsigned lane = 0; lane <= settings_.max_priority; ++lane)
        if (lane == 0 || desk_.broker.catalog().named_queue(lane_name(static_cast<std::uint8_t>(lane))) !=
                             model::QueueId())
            if (auto opened = open_lane(static_cast<std::uint8_t>(lane)); !opened) return opened;
    counts_.persistent = spec_.durable ? counts_.ready : 0;
    may_expire_ = counts_.ready > 0;
    if (counts_.ready > 0) {
        desk_.unweighed.push_back(this);
        schedule();
    }
    return {};
}

Result<void> QueueState::open_lane(std::uint8_t lane) {
    if (lanes_.size() <= lane) lanes_.resize(lane + 1u);
    const std::string name = lane_name(lane);
    auto queue = desk_.broker.catalog().put_named_queue(name, spec_.durable);
    if (!queue)  // a limit on names does not pass by waiting, as a full disk does
        return Error{queue.error().code == Errc::full ? Errc::invalid : queue.error().code,
                     queue.error().message};
    auto reader = desk_.broker.open_reader(name, *queue);
    if (!reader) return reader.error();
    const store::Range range = desk_.broker.range(*queue);
    lanes_[lane] = {*queue, *reader, desk_.broker.counts(*reader).ready, range.begin.value(),
                    range.end.value()};
    counts_.ready += lanes_[lane].ready;
    if (lanes_[lane].ready > 0) mark_ready(lane);
    return {};
}

bool QueueState::weigh(std::uint32_t share) {
    for (Lane& lane : lanes_) {
        if (lane.weigh_at >= lane.weigh_end) continue;
        const auto looked = desk_.broker.each_ready_tag(lane.reader, model::QueueOffset(lane.weigh_at), share,
                                                        [&](model::QueueOffset offset, std::int32_t tag) {
                                                            if (offset.value() < lane.weigh_end)
                                                                counts_.ready_bytes += tag_body_bytes(tag);
                                                        });
        const bool more = looked && looked->more;
        lane.weigh_at = more ? std::min(looked->next.value(), lane.weigh_end) : lane.weigh_end;
        return true;
    }
    schedule();  // there may be too many bytes
    return false;
}

void QueueState::remove() {
    deleted_ = true;
    std::erase(desk_.unweighed, this);
    while (!consumers_.all().empty()) {
        Consumer& consumer = *consumers_.all().front();
        consumers_.remove(consumer);
        consumer.cancelled();
    }
    for (unsigned lane = 0; lane < lanes_.size(); ++lane)
        if (lanes_[lane].queue != model::QueueId())
            if (auto gone =
                    desk_.broker.catalog().delete_named_queue(lane_name(static_cast<std::uint8_t>(lane)));
                !gone)
                log_warn("exchange", "{}: {}", describe(), gone.error().message);
    lanes_.clear();
    ready_lanes_ = {};
    counts_.ready = counts_.ready_bytes = 0;
    desk_.broker.cancel(wake_);
    Desk::set_time(desk_.expiries, *this, expiry, never);
    Desk::set_time(desk_.idles, *this, idle, never);
}

void QueueState::apply(const QueueSettings& settings) {
    settings_ = settings;
    consumers_.set_single_active(settings.single_active_consumer);
    Desk::set_time(desk_.idles, *this, idle, idle_deadline_ms());
    heads_known_ = false;
    schedule();  // a limit may have become smaller
}

void QueueState::used() {
    used_ms_ = desk_.broker.now().steady_ms;
    Desk::set_time(desk_.idles, *this, idle, idle_deadline_ms());
}

std::int64_t QueueState::idle_deadline_ms() const {
    return settings_.expires_ms && consumers_.size() == 0 && !deleted_
               ? later(used_ms_, *settings_.expires_ms)
               : never;
}

void QueueState::schedule() {
    if (!deleted_) desk_.schedule(*this);
}

void QueueState::Wake::on_readable() {
    queue_.schedule();
}

// --- counts ------------------------------------------------------------------------------------------------

QueueCounts QueueState::counts() const {
    QueueCounts counts = counts_;
    counts.consumers = static_cast<std::uint32_t>(consumers_.size());
    return counts;
}

DeliveryId QueueState::id_of(std::uint8_t lane, const broker::Stored& message,
                             const broker::Taken& taken) const {
    return {taken.offset, tag_body_bytes(message.tag),
            static_cast<std::uint16_t>(std::min<std::uint32_t>(taken.attempt, 65'535)), lane,
            tag_persistent(message.tag)};
}

void QueueState::not_ready(const DeliveryId& id) {
    lane_lost_one(id.lane);
    heads_known_ = false;
    --counts_.ready;
    if (weighed(id)) counts_.ready_bytes -= id.body_bytes;
}

void QueueState::ready_again(const DeliveryId& id) {
    if (deleted_) return;
    ++lanes_[id.lane].ready;
    mark_ready(id.lane);
    heads_known_ = false;
    ++counts_.ready;
    if (weighed(id)) counts_.ready_bytes += id.body_bytes;
}

void QueueState::in_flight(const DeliveryId& id) {
    ++counts_.unacked;
    counts_.unacked_bytes += id.body_bytes;
}

void QueueState::gone(const DeliveryId& id) {
    POSTHORN_CHECK(counts_.unacked > 0, "a message is settled that was not in flight");
    --counts_.unacked;
    counts_.unacked_bytes -= id.body_bytes;
}

void QueueState::appended(std::uint8_t lane, const Letter& letter, std::int64_t expires_wall_ms) {
    ++counts_.published;
    counts_.persistent += letter.persistent;
    counts_.ready_bytes += letter.body_bytes;
    if (lanes_[lane].ready++ == 0) {
        mark_ready(lane);
        heads_known_ = false;
    }
    ++counts_.ready;
    may_expire_ |= expires_wall_ms != 0;
    schedule();
}

/// As RabbitMQ sees it the consumers have taken what they can before the next message comes.
bool QueueState::would_overflow(std::uint32_t body_bytes) const {
    const bool long_enough = settings_.max_length && counts_.ready + 1 > *settings_.max_length;
    const bool large_enough =
        settings_.max_length_bytes && counts_.ready_bytes + body_bytes > *settings_.max_length_bytes;
    if (!long_enough && !large_enough) return false;
    const std::uint64_t taken = consumers_.room(counts_.ready);
    const std::uint64_t left = counts_.ready - taken;
    if (settings_.max_length && left + 1 > *settings_.max_length) return true;
    const std::uint64_t bytes_left = counts_.ready == 0 ? 0 : counts_.ready_bytes * left / counts_.ready;
    return settings_.max_length_bytes && bytes_left + body_bytes > *settings_.max_length_bytes;
}

// --- settling ----------------------------------------------------------------------------------------------

Result<void> QueueState::settle(const DeliveryId& id) {
    gone(id);
    counts_.persistent -= std::min<std::uint64_t>(counts_.persistent, id.persistent);
    ++counts_.acknowledged;
    if (deleted_) {
        host_.perhaps_forget(*this);
        return {};
    }
    return desk_.broker.settle(lanes_[id.lane].reader, id.offset);
}

Result<void> QueueState::requeue(const DeliveryId& id) {
    if (deleted_) {
        gone(id);
        host_.perhaps_forget(*this);
        return {};
    }
    if (settings_.delivery_limit && id.attempt > *settings_.delivery_limit)
        return die_later(id, DeathReason::delivery_limit);
    auto back = desk_.broker.requeue(lanes_[id.lane].reader, id.offset);
    if (!back) return back;
    gone(id);
    ready_again(id);
    schedule();
    return {};
}

Result<void> QueueState::reject(const DeliveryId& id) {
    if (deleted_) {
        gone(id);
        host_.perhaps_forget(*this);
        return {};
    }
    return die_later(id, DeathReason::rejected);
}

void QueueState::count_death(DeathReason reason) {
    ++(reason == DeathReason::expired      ? counts_.expired
       : reason == DeathReason::max_length ? counts_.dropped
                                           : counts_.rejected);
    DeathCounts& all = settings_.quorum ? desk_.quorum_deaths : desk_.deaths;
    ++(host_.has_grave(*this) ? all.dead_lettered : all.dropped)[static_cast<std::size_t>(reason)];
}

/// A client may reject a hundred thousand at once: their copies are made in shares, before the ticks' ends.
Result<void> QueueState::die_later(const DeliveryId& id, DeathReason reason) {
    if (!host_.has_grave(*this)) return die(id, reason);
    desk_.dying.push_back({this, id, reason});
    desk_.tick_owed = true;
    return {};
}

/// It is in flight, and stays so until its copy is stored.
Result<void> QueueState::die(const DeliveryId& id, DeathReason reason) {
    if (!host_.has_grave(*this)) {
        count_death(reason);
        buried(id);
        return {};
    }
    const auto read =
        desk_.broker.read(lanes_[id.lane].reader, id.offset,
                          [&](const broker::Stored& message) { host_.bury(*this, message, id, reason); });
    if (read) {
        count_death(reason);
        host_.send_dead();
    } else if (read.error().code == Errc::busy) {
        desk_.dying.push_back({this, id, reason});
    } else {
        log_error("exchange", "{}: message {} is given up: {}", describe(), id.offset.value(),
                  read.error().message);
        count_death(reason);
        buried(id);
    }
    return {};
}

void QueueState::buried(const DeliveryId& id) {
    gone(id);
    counts_.persistent -= std::min<std::uint64_t>(counts_.persistent, id.persistent);
    if (deleted_) {
        host_.perhaps_forget(*this);
        return;
    }
    if (auto settled = desk_.broker.settle(lanes_[id.lane].reader, id.offset); !settled)
        log_warn("exchange", "{}: {}", describe(), settled.error().message);
}

void QueueState::resurrected(const DeliveryId& id) {
    if (deleted_) {
        gone(id);
        host_.perhaps_forget(*this);
        return;
    }
    if (!desk_.broker.requeue(lanes_[id.lane].reader, id.offset)) return;  // after the restart it is there
    gone(id);
    ready_again(id);
    // What refused the copy lasts a while: not in every tick.
    look_at(desk_.broker.now().wall_ms + 100);
}

// --- consumers ---------------------------------------------------------------------------------------------

void QueueState::join(Consumer& consumer, std::int32_t priority) {
    consumers_.add(consumer, priority);
    Desk::set_time(desk_.idles, *this, idle, never);
    schedule();
}

void QueueState::part(Consumer& consumer) {
    consumers_.remove(consumer);
    used();
    schedule();  // the next may be active now
}

void QueueState::consumer_ready(Consumer& consumer) {
    consumers_.ready(consumer);
    if (counts_.ready > 0) schedule();
}

void QueueState::each_consumer(const std::function<void(const Consumer&, bool)>& visit) const {
    for (const Consumer* consumer : consumers_.all())
        visit(*consumer, consumers_.active(*consumer));
}

}  // namespace posthorn::exchange
