#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "binding_record.h"
#include "consumer_list.h"
#include "exchange/virtual_host.h"
#include "letter.h"

namespace posthorn::exchange {

class HostState;
struct Desk;

inline constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
/// `ms` after that moment; an interval of ages ends never.
inline std::int64_t later(std::int64_t than, std::int64_t ms) {
    return ms > never - std::max<std::int64_t>(than, 0) ? never : than + ms;
}

/// A queue: its lanes in the broker (one, or one per priority), its counts, its consumers, and its turn in
/// which it hands out, expires and drops from its head.
class QueueState final : public Queue {
  public:
    /// `number` names its lanes in the broker's catalog.
    QueueState(HostState& host, QueueSpec spec, std::uint64_t number);
    ~QueueState() override;

    // --- what others see -----------------------------------------------------------------------------------
    const QueueSpec& spec() const override { return spec_; }
    const QueueSettings& settings() const override { return settings_; }
    QueueCounts counts() const override;
    void each_consumer(const std::function<void(const Consumer&, bool)>& visit) const override;
    bool active(const Consumer& consumer) const override { return consumers_.active(consumer); }
    bool deleted() const override { return deleted_; }
    Result<void> settle(const DeliveryId& id) override;
    Result<void> requeue(const DeliveryId& id) override;
    Result<void> reject(const DeliveryId& id) override;
    void consumer_ready(Consumer& consumer) override;

    // --- its life ------------------------------------------------------------------------------------------
    /// Makes or finds its lanes.
    Result<void> open();
    /// The timer of its head went off.
    void look() {
        heads_known_ = false;
        schedule();
    }
    /// Takes leave of its consumers and of its lanes. It is destroyed when nothing of it is in flight.
    void remove();
    void apply(const QueueSettings& settings);
    HostState& host() const { return host_; }
    std::uint64_t number() const { return number_; }
    std::string describe() const;
    /// Declared again, or got from: not idle.
    void used();
    std::int64_t idle_deadline_ms() const;  ///< steady; `never` without expiry, or while it is consumed

    // --- messages in ---------------------------------------------------------------------------------------
    struct Lane {
        model::QueueId queue;
        broker::ReaderId reader;
        std::uint64_t ready = 0;
        /// Offsets from here to there were recovered and their bytes are not counted yet.
        std::uint64_t weigh_at = 0, weigh_end = 0;
    };
    /// Counts the bytes of recovered messages, some at a time; false when all are counted.
    bool weigh(std::uint32_t share);
    /// Whether a message of that size has to be rejected.
    bool full_for(std::uint32_t body_bytes) const {
        return settings_.overflow != Overflow::drop_head && would_overflow(body_bytes);
    }
    std::uint8_t lane_number(std::uint8_t priority) const {
        return priority < settings_.max_priority ? priority : settings_.max_priority;
    }
    /// Where the broker keeps that lane; no queue while the lane is not open.
    model::QueueId lane_queue(std::uint8_t lane) const {
        return lane < lanes_.size() ? lanes_[lane].queue : model::QueueId();
    }
    Result<void> open_lane(std::uint8_t lane);
    /// A message was appended to that lane.
    void appended(std::uint8_t lane, const Letter& letter, std::int64_t expires_wall_ms);

    // --- messages out --------------------------------------------------------------------------------------
    /// Hands out, expires, drops: `share` messages at most. Returns how many; `again()` tells whether there
    /// is more to do at once.
    std::uint32_t turn(std::uint32_t share);
    bool again() const { return again_; }
    Result<VirtualHost::Got> get(bool settle,
                                 const std::function<void(const broker::Stored&, const Delivery&)>& take);
    void wait_ready(broker::Waiter& waiter);
    Result<std::uint64_t> purge();
    std::uint64_t ready() const { return counts_.ready; }
    /// In flight and dying: out of this queue, or still to be read from the disk (`Desk::dying`).
    Result<void> die(const DeliveryId& id, DeathReason reason);
    Result<void> die_later(const DeliveryId& id, DeathReason reason);
    /// A dying message's copy has gone its way, or there was no way to go.
    void buried(const DeliveryId& id);
    /// It could not: back to its place.
    void resurrected(const DeliveryId& id);
    void count_dead_letter() { ++counts_.dead_lettered; }
    void count_death(DeathReason reason);

    ConsumerList& consumers() { return consumers_; }
    const ConsumerList& consumers() const { return consumers_; }
    void join(Consumer& consumer, std::int32_t priority);
    void part(Consumer& consumer);

    BindingsOfQueue bindings;  ///< that lead here
    const Policy *policy = nullptr, *operator_policy = nullptr;
    std::uint64_t routing = 0;    ///< the routing that came here last
    bool scheduled = false;       ///< in the desk's list of turns
    std::int64_t expiry = never;  ///< wall ms its head is looked at, as registered with the desk
    std::int64_t idle = never;    ///< steady ms it goes, as registered with the desk

  private:
    friend class Turn;
    friend class Get;

    /// Woken when what was not readable is.
    class Wake final : public broker::Waiter {
      public:
        explicit Wake(QueueState& queue) : queue_(queue) {}
        void on_readable() override;

      private:
        QueueState& queue_;
    };

    std::string lane_name(std::uint8_t lane) const;
    bool would_overflow(std::uint32_t body_bytes) const;
    bool over_limit() const {
        return (settings_.max_length && counts_.ready > *settings_.max_length) ||
               (settings_.max_length_bytes && counts_.ready_bytes > *settings_.max_length_bytes);
    }
    bool drops() const { return settings_.overflow == Overflow::drop_head && over_limit(); }
    std::int64_t deadline(const broker::Stored& message) const;
    DeliveryId id_of(std::uint8_t lane, const broker::Stored& message, const broker::Taken& taken) const;
    /// The bytes of a ready message there are part of the sum.
    bool weighed(const DeliveryId& id) const {
        const Lane& lane = lanes_[id.lane];
        return id.offset.value() < lane.weigh_at || id.offset.value() >= lane.weigh_end;
    }
    void not_ready(const DeliveryId& id);
    void ready_again(const DeliveryId& id);
    void in_flight(const DeliveryId& id);
    void gone(const DeliveryId& id);  ///< was in flight
    broker::Offer die_offered(const broker::Stored& message, const DeliveryId& id, DeathReason reason);
    void look_at(std::int64_t wall_ms);
    bool nothing_to_do() const;
    void lost(std::uint8_t lane);  ///< a ready message could not be read
    void schedule();
    /// The highest lane with something ready below `under`; nothing if there is none.
    std::optional<std::uint8_t> ready_lane(unsigned under = 256) const;
    void mark_ready(std::uint8_t lane) { ready_lanes_[lane / 64] |= 1ull << (lane % 64); }
    void mark_empty(std::uint8_t lane) { ready_lanes_[lane / 64] &= ~(1ull << (lane % 64)); }
    void lane_lost_one(std::uint8_t lane) {
        if (--lanes_[lane].ready == 0) mark_empty(lane);
    }

    HostState& host_;
    Desk& desk_;
    const QueueSpec spec_;
    const std::uint64_t number_;
    QueueSettings settings_;
    std::vector<Lane> lanes_;  ///< by priority; those never used have no queue
    std::array<std::uint64_t, 4> ready_lanes_{};
    QueueCounts counts_;
    ConsumerList consumers_;
    Wake wake_;
    std::int64_t used_ms_ = 0;  ///< steady
    bool may_expire_ = false;   ///< some message had a time of its own
    bool heads_known_ = false;  ///< the heads were looked at and stayed; `expiry` says until when
    bool deleted_ = false;
    bool again_ = false;
};

}  // namespace posthorn::exchange
