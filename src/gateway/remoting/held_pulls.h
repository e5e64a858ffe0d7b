#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <vector>

#include "broker/broker.h"
#include "session.h"
#include "subscriptions.h"
#include "wire/remoting/header.h"

namespace posthorn::gateway::remoting {

/// What a pull asked for, in the engine's terms.
struct PullOrder {
    wire::ReplyTo reply;
    model::GroupId group;
    model::TopicId topic;
    model::QueueId queue;
    std::uint32_t queue_number = 0;  ///< of the topic
    model::QueueOffset from;         ///< as the client asked
    std::uint32_t max_messages = 32;
    std::uint32_t max_bytes = 0;
    Filter filter;
    std::int64_t hold_until_ms = 0;  ///< steady; 0 does not wait for messages (only for the disk)
    std::int64_t started_ns = 0;
    CodeStats* stats = nullptr;
};

/// Where a pull is in its life, which decides what it does when nothing is found.
enum class PullStage : std::uint8_t {
    first,  ///< just asked: waits at the end of the queue; skipped messages are reported at once
    woken,  ///< something came: reads over what its filter does not want, and waits on at the end
    last,   ///< its time is up, or it never meant to wait: answers whatever there is
};

enum class PullStep {
    answered,
    wait_for_message,
    wait_for_disk,
};

/// Reads from `scanned` on and answers, or says what to wait for and how far nothing was found.
PullStep step_pull(Gateway& gateway, Session& session, const PullOrder& order, PullStage stage,
                   model::QueueOffset& scanned);

/// A pull that waits: for something new in its queue, or for the disk. It is woken by the engine, by its
/// deadline, or goes with its session.
struct HeldPull final : broker::Waiter {
    void on_readable() override { go_on(); }
    /// Steps on: answers and is free, or waits for what it now needs.
    void go_on();
    void wait_for(PullStep step);

    PullOrder order;
    PullStage stage = PullStage::first;
    Gateway* gateway = nullptr;
    Session* session = nullptr;
    model::QueueOffset scanned;  ///< nothing for this pull below
    HeldPull* previous_of_session = nullptr;
    HeldPull* next_of_session = nullptr;
    HeldPull* previous_due = nullptr;  // in the wheel, if it has a deadline
    HeldPull* next_due = nullptr;
    std::uint32_t due_slot = 0;
    bool due = false;
};

/// The pulls that wait, without allocating once there have been as many. Deadlines are kept in a wheel of
/// slots of 100 ms: a pull is answered up to that much late, and adding and removing cost nothing.
class HeldPulls {
  public:
    explicit HeldPulls(Gateway& gateway) : gateway_(gateway) {}
    ~HeldPulls();

    bool room_for(const Session& session) const;
    /// `step` is what it waits for.
    void hold(Session& session, const PullOrder& order, PullStage stage, model::QueueOffset scanned,
              PullStep step);
    void drop(HeldPull& pull);
    void drop_all_of(Session& session);
    /// Answers those whose time is up.
    void expire(std::int64_t now_ms);
    std::size_t size() const { return size_; }

  private:
    static constexpr std::int64_t kSlotMs = 100;
    static constexpr std::uint32_t kSlots = 1024;  // farther deadlines stay in their slot for another turn

    void put_in_wheel(HeldPull& pull);
    void take_from_wheel(HeldPull& pull);

    Gateway& gateway_;
    std::deque<HeldPull> pool_;
    std::vector<HeldPull*> free_;
    std::array<HeldPull*, kSlots> wheel_{};
    std::int64_t wheel_at_ = 0;  // slots already looked at, in units of kSlotMs
    std::size_t size_ = 0;
};

}  // namespace posthorn::gateway::remoting
