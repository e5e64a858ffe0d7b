#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/broker.h"

namespace posthorn::sim {

/// What the clients know: what they sent and were told, what they saw. Kept outside the engine, and the only
/// thing the laws are judged by. A broken law is remembered with its words; the first one counts.
class Oracle {
  public:
    using Id = std::uint64_t;
    enum class Crash { kill, power_cut };
    /// How much a client was promised, or how much of what it did is known to have lasted.
    enum class Level : std::uint8_t { unsure, written, durable, lost };

    /// One of the queues a message was sent to.
    struct Target {
        model::QueueId queue;
        bool survives = true;     ///< a crash: persistent, and the queue is durable
        std::uint32_t epoch = 0;  ///< tells the queue from those that had its number before
    };
    struct Sent {
        Id id = 0;
        std::vector<Target> targets;  ///< one, or several named queues
        bool by_reader = false;       ///< named queues: seen by taking, not by fetching
        std::int64_t sent_ms = 0, due_ms = 0;
        broker::Receipt receipt;
        bool must_sync = false;
        Level level = Level::unsure;
        std::uint64_t life = 0;  ///< of the process it was sent in

        bool survives() const {
            for (const Target& target : targets)
                if (target.survives) return true;
            return false;
        }
    };

    // --- what happens --------------------------------------------------------------------------------------
    Id next_id() { return sent_.size(); }
    void sent(Sent message);
    /// Promises are looked at after every tick.
    void collect_promises(const broker::Broker& engine, broker::Flush flush);
    void wall_clock(std::int64_t wall_ms) { latest_ms_ = std::max(latest_ms_, wall_ms); }
    void crashed(Crash crash);
    /// The queue was deleted with all it held; its number may be given again.
    void gone(model::QueueId queue);
    /// Somebody asked to delete this queue: what it holds is promised to nobody any more, also if a crash
    /// brings it back.
    void waived(model::QueueId queue) { waived_[queue.value()] = sent_.size(); }
    /// A crash took the making of this queue: nothing in it may have been promised.
    void never_was(model::QueueId queue);
    /// Everything before `begin` may have gone by retention, `oldest_ms` being the youngest time it may have.
    void begins(model::QueueId queue, std::uint64_t begin, std::int64_t oldest_ms);
    /// The directory opened again, and what was found in it is durable now.
    void reopened();

    /// A message read by offset. In order for each queue and life.
    void fetched(model::QueueId queue, std::uint64_t offset, Bytes payload);
    /// Offsets below this were seen.
    std::uint64_t seen(model::QueueId queue) { return seen_[queue.value()].size(); }
    /// After a reopening everything was fetched: the queue ends at `end`.
    void reread(model::QueueId queue, std::uint64_t end);

    void taken(std::uint32_t reader, model::QueueId queue, Bytes payload, const broker::Taken& how,
               std::int64_t lease_until_ms, std::int64_t now_steady_ms);
    void settled(std::uint32_t reader, Id id);
    void returned(std::uint32_t reader, Id id, std::int64_t ready_at_steady_ms);
    /// The notes of this tick are written (and perhaps durable up to `synced`).
    void ticked(std::uint64_t queue_written, std::uint64_t queue_synced);

    void committed(std::uint32_t group, model::QueueId queue, std::uint64_t next);
    void progress_found(std::uint32_t group, model::QueueId queue, std::optional<std::uint64_t> next,
                        std::uint64_t end);

    /// Everything was let happen in this life: what does not survive it must have been handed out.
    void check_transient(const std::map<std::uint32_t, model::QueueId>& readers);
    /// Everything was let happen: nothing is under way any more, every reader drained.
    void finish(const std::map<std::uint32_t, model::QueueId>& readers);

    /// `words` are remembered if it does not hold and nothing was broken before.
    void law(bool holds, std::string words);
    const std::optional<std::string>& broken() const { return broken_; }
    std::size_t messages() const { return sent_.size(); }

    /// A payload that names its message and can be checked to the last byte.
    static std::vector<std::byte> payload(Id id, std::size_t size);

  private:
    struct Handling {  ///< of one message by one reader
        bool in_flight = false;
        std::int64_t not_before_ms = 0;  ///< steady: when a lease or a delay may end
        Level settled = Level::unsure;   ///< only meaningful if settle_life is set
        bool settle_tried = false;
        std::uint64_t settle_note = 0;  ///< queue log position that is behind the note, once written
        bool delivered = false;
        bool delivery_noted = false;  ///< a tick ended after the delivery
    };
    struct Reading {
        std::map<Id, Handling> messages;
        std::vector<Id> this_tick;     ///< taken or settled since the last tick
        std::optional<Id> last_first;  ///< handed out for the first time in this life
    };

    static constexpr Id nothing = ~Id{0};  ///< at an offset that went before anybody saw it

    const Target* target(const Sent& message, model::QueueId queue) const;
    bool may_be_retained(const Sent& message, model::QueueId queue) const;
    bool is_waived(const Sent& message, model::QueueId queue) const {
        const auto at = waived_.find(queue.value());
        return at != waived_.end() && message.id < at->second;
    }
    std::uint32_t epoch(model::QueueId queue) const {
        const auto at = epochs_.find(queue.value());
        return at == epochs_.end() ? 0 : at->second;
    }
    std::uint64_t begin(model::QueueId queue) const {
        const auto at = begins_.find(queue.value());
        return at == begins_.end() ? 0 : at->second;
    }
    std::optional<Id> check_payload(model::QueueId queue, Bytes payload);

    std::vector<Sent> sent_;
    std::vector<Id> waiting_;                        ///< promises still pending
    std::map<std::uint32_t, std::vector<Id>> seen_;  ///< by queue: what lies at each offset
    std::map<Id, std::uint64_t> place_;              ///< of what was seen by fetching
    std::map<std::uint32_t, std::uint32_t> epochs_;  ///< how often a queue of this number was deleted
    std::map<std::uint32_t, std::uint64_t> begins_;  ///< how far retention went, by queue
    std::map<std::uint32_t, Id> waived_;             ///< by queue: messages below this are promised no more
    std::map<std::uint32_t, Reading> readers_;
    std::set<Id> delivered_;  ///< by any reader, ever
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::set<std::uint64_t>> committed_;
    std::int64_t latest_ms_ = 0;
    std::uint64_t life_ = 0;
    std::optional<std::string> broken_;
};

}  // namespace posthorn::sim
