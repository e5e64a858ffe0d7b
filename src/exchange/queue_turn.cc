#include <algorithm>
#include <bit>

#include "base/log.h"
#include "desk.h"
#include "host_state.h"
#include "queue_state.h"

namespace posthorn::exchange {
namespace {

/// Too much is in flight in all: it is tried again so often.
constexpr std::int64_t crowded_ms = 100;

}  // namespace

/// What is shown to it goes to a consumer, or dies because its time is over or the queue is too long; else it
/// stays, and the queue knows when to look at it again.
class Turn final : public broker::OfferSink {
  public:
    Turn(QueueState& queue, std::uint8_t lane, std::int64_t now_ms)
        : queue_(queue),
          lane_(lane),
          now_ms_(now_ms),
          shown_late_(queue.spec_.durable && queue.desk_.broker.options().flush == broker::Flush::sync) {}

    broker::Offer on_offer(const broker::Stored& message, const broker::Taken& taken) override {
        asked = true;
        const std::int64_t deadline = queue_.deadline(message);
        // On the very millisecond a consumer still gets it: time to live 0. Where a message is not shown
        // before it is synced, that millisecond is the one of its first showing.
        const bool at_once = shown_late_ && !taken.redelivered && deadline <= message.time;
        if (deadline >= now_ms_ || at_once) {
            Consumer* const consumer = queue_.consumers_.next();
            const bool crowded = consumer && taken.crowded && !consumer->options().settles_at_once;
            if (consumer && !crowded) return hand_out(message, taken, *consumer);
            if (deadline > now_ms_) {
                if (queue_.drops()) return die(message, taken, DeathReason::max_length);
                left = true;
                queue_.look_at(crowded ? std::min(deadline, now_ms_ + crowded_ms) : deadline);
                return broker::Offer::leave;
            }
        }
        return die(message, taken, DeathReason::expired);
    }

    void on_missing() override { queue_.lost(lane_); }

    bool asked = false;  ///< something was readable
    bool left = false;   ///< the head stays
    bool sated = false;  ///< it dies, but enough is on its way to the dead letter exchange just now

  private:
    broker::Offer hand_out(const broker::Stored& message, const broker::Taken& taken, Consumer& consumer) {
        const DeliveryId id = queue_.id_of(lane_, message, taken);
        QueueCounts& counts = queue_.counts_;
        queue_.not_ready(id);
        counts.redelivered += taken.redelivered;
        const bool settles = consumer.options().settles_at_once;
        queue_.desk_.tick_owed |= id.persistent && queue_.spec_.durable;
        if (settles) {
            ++counts.delivered_settled;
            counts.persistent -= std::min<std::uint64_t>(counts.persistent, id.persistent);
        } else {
            ++counts.delivered;
            queue_.in_flight(id);
        }
        consumer.deliver(queue_, message, {id, taken.redelivered, counts.ready});
        return settles ? broker::Offer::settle : broker::Offer::hold;
    }

    broker::Offer die(const broker::Stored& message, const broker::Taken& taken, DeathReason reason) {
        sated = copied_ >= Desk::copied_bytes_at_once;
        if (sated) return broker::Offer::leave;
        if (queue_.host_.has_grave(queue_)) copied_ += message.payload.size();
        const broker::Offer done = queue_.die_offered(message, queue_.id_of(lane_, message, taken), reason);
        left |= done == broker::Offer::leave;
        return done;
    }

    QueueState& queue_;
    const std::uint8_t lane_;
    const std::int64_t now_ms_;
    const bool shown_late_;  ///< messages are shown after the sync, in a later tick
    std::size_t copied_ = 0;
};

std::int64_t QueueState::deadline(const broker::Stored& message) const {
    std::int64_t deadline = message.deadline != 0 ? message.deadline : never;
    if (settings_.message_ttl_ms)
        deadline = std::min(deadline, later(message.time, *settings_.message_ttl_ms));
    return deadline;
}

void QueueState::look_at(std::int64_t wall_ms) {
    Desk::set_time(desk_.expiries, *this, expiry, std::min(expiry, wall_ms));
}

std::optional<std::uint8_t> QueueState::ready_lane(unsigned under) const {
    for (int word = 3; word >= 0; --word) {
        const unsigned first = static_cast<unsigned>(word) * 64;
        if (first >= under) continue;
        std::uint64_t bits = ready_lanes_[static_cast<std::size_t>(word)];
        if (under - first < 64) bits &= (1ull << (under - first)) - 1;
        if (bits != 0)
            return static_cast<std::uint8_t>(first + static_cast<unsigned>(std::bit_width(bits)) - 1);
    }
    return std::nullopt;
}

/// Looking at a head may mean to bring it from the disk: not without need.
bool QueueState::nothing_to_do() const {
    if (counts_.ready == 0) return true;
    if (consumers_.anyone_ready() || drops()) return false;
    return heads_known_ || !(may_expire_ || settings_.message_ttl_ms);
}

std::uint32_t QueueState::turn(std::uint32_t share) {
    again_ = false;
    if (deleted_ || nothing_to_do()) return 0;
    Desk::set_time(desk_.expiries, *this, expiry, never);
    const std::int64_t now_ms = desk_.broker.now().wall_ms;
    std::uint32_t done = 0;
    bool all_left = true, sated = false;
    for (auto lane = ready_lane(); lane && done < share; lane = ready_lane(*lane)) {
        Turn turn(*this, *lane, now_ms);
        const auto offered = desk_.broker.offer(lanes_[*lane].reader, share - done, turn);
        if (!offered) {
            look_at(now_ms + crowded_ms);  // read-only
            break;
        }
        done += *offered;
        all_left &= turn.left;
        if ((sated = turn.sated)) break;
        // Not written yet, or on its way from the disk. Lower lanes need not wait for that.
        if (!turn.asked && lanes_[*lane].ready > 0) desk_.broker.wait_reader(lanes_[*lane].reader, wake_);
    }
    again_ = (done >= share || sated) && counts_.ready > 0;
    heads_known_ = all_left && !again_;
    host_.send_dead();
    return done;
}

/// With a way to go it is in flight until its copy is stored.
broker::Offer QueueState::die_offered(const broker::Stored& message, const DeliveryId& id,
                                      DeathReason reason) {
    const bool goes_on = host_.has_grave(*this);
    if (goes_on && !desk_.codec(message.format)) return broker::Offer::leave;  // nobody here can write on it
    not_ready(id);
    count_death(reason);
    if (!goes_on) {
        counts_.persistent -= std::min<std::uint64_t>(counts_.persistent, id.persistent);
        return broker::Offer::settle;
    }
    in_flight(id);
    host_.bury(*this, message, id, reason);
    return broker::Offer::hold;
}

void QueueState::lost(std::uint8_t lane) {
    not_ready({.offset = {}, .body_bytes = 0, .lane = lane});
}

// --- one by one --------------------------------------------------------------------------------------------

/// Takes the first that is alive.
class Get final : public broker::OfferSink {
  public:
    Get(QueueState& queue, std::uint8_t lane, bool settles,
        const std::function<void(const broker::Stored&, const Delivery&)>& take)
        : queue_(queue), lane_(lane), settles_(settles), take_(take) {}

    broker::Offer on_offer(const broker::Stored& message, const broker::Taken& taken) override {
        if (got) return broker::Offer::leave;
        if (taken.crowded && !settles_) return broker::Offer::leave;
        const DeliveryId id = queue_.id_of(lane_, message, taken);
        if (queue_.deadline(message) < queue_.desk_.broker.now().wall_ms)
            return queue_.die_offered(message, id, DeathReason::expired);
        got = true;
        QueueCounts& counts = queue_.counts_;
        queue_.not_ready(id);
        counts.redelivered += taken.redelivered;
        ++(settles_ ? counts.got_settled : counts.got);
        if (settles_)
            counts.persistent -= std::min<std::uint64_t>(counts.persistent, id.persistent);
        else
            queue_.in_flight(id);
        take_(message, {id, taken.redelivered, counts.ready});
        return settles_ ? broker::Offer::settle : broker::Offer::hold;
    }

    void on_missing() override { queue_.lost(lane_); }

    bool got = false;

  private:
    QueueState& queue_;
    const std::uint8_t lane_;
    const bool settles_;
    const std::function<void(const broker::Stored&, const Delivery&)>& take_;
};

Result<VirtualHost::Got> QueueState::get(
    bool settle, const std::function<void(const broker::Stored&, const Delivery&)>& take) {
    used();
    for (auto lane = ready_lane(); lane; lane = ready_lane(*lane)) {
        Get get(*this, *lane, settle, take);
        auto offered = desk_.broker.offer(lanes_[*lane].reader, desk_.options.turn_messages, get);
        if (!offered) return offered.error();
        schedule();  // the head is another
        host_.send_dead();
        if (get.got) return VirtualHost::Got::message;
        // Not written yet, or on its way from the disk: it comes before what lower lanes have.
        if (!deleted_ && lanes_[*lane].ready > 0) return VirtualHost::Got::later;
    }
    return VirtualHost::Got::empty;
}

void QueueState::wait_ready(broker::Waiter& waiter) {
    if (const auto lane = ready_lane()) desk_.broker.wait_reader(lanes_[*lane].reader, waiter);
}

Result<std::uint64_t> QueueState::purge() {
    std::uint64_t count = 0;
    for (auto lane = ready_lane(); lane; lane = ready_lane()) {
        auto purged = desk_.broker.purge(lanes_[*lane].reader);
        if (!purged) return purged.error();
        count += *purged;
        counts_.ready -= lanes_[*lane].ready;
        lanes_[*lane].ready = 0;
        mark_empty(*lane);
    }
    counts_.ready_bytes = 0;
    counts_.persistent = std::min(counts_.persistent, counts_.unacked);
    return count;
}

}  // namespace posthorn::exchange
