#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "base/check.h"
#include "broker/broker.h"
#include "exchange/queue.h"
#include "model/value.h"

namespace posthorn::exchange {

class Queue;
class QueueState;
class ConsumerList;

/// A message in somebody's hands: its place, and what its queue wants to hear again when it is settled. The
/// holder keeps it as it was given and gives it back whole.
struct DeliveryId {
    model::QueueOffset offset{};
    std::uint32_t body_bytes = 0;
    std::uint16_t attempt = 1;  ///< this delivery is the n-th; stops counting at 65535
    std::uint8_t lane = 0;      ///< queues with priorities: one lane each
    bool persistent = false;
};

struct Delivery {
    DeliveryId id;
    bool redelivered = false;
    std::uint64_t ready_left = 0;  ///< after this one, for those who ask with `get`
};

/// Somebody a queue hands messages to. Owned by its channel; joins one queue through `VirtualHost::consume`
/// and leaves it through `VirtualHost::leave`, unless the queue took leave of it (`cancelled`). Every call
/// comes on the engine's thread, from inside `VirtualHosts::after_tick_end` or from the call that made the
/// queue go.
class Consumer {
  public:
    struct Options {
        std::string tag{};
        bool exclusive = false;        ///< nobody else may consume this queue
        bool settles_at_once = false;  ///< "no ack": delivered is settled, nothing is ever in flight
        OwnerId owner = 0;
        model::Arguments arguments{};  ///< `x-priority`: higher ones are served first while they have room
    };

    explicit Consumer(Options options) : options_(std::move(options)) {}
    Consumer(const Consumer&) = delete;
    Consumer& operator=(const Consumer&) = delete;
    virtual ~Consumer() { POSTHORN_CHECK(!queue_, "a consumer ends while its queue knows it"); }

    const Options& options() const { return options_; }
    std::int32_t priority() const { return priority_; }
    bool joined() const { return queue_ != nullptr; }

    /// How many more messages it takes right now: window, socket, alarms. Asked before every delivery.
    virtual std::uint32_t room() const = 0;
    /// It was its turn and it had no room: it is left out until it says `Queue::consumer_ready`.
    virtual void passed_over() {}
    /// The message's views are good during the call. Unless `settles_at_once`, it is in flight until
    /// `Queue::settle`, `requeue` or `reject`. Must not call the queue or its virtual host.
    virtual void deliver(Queue& queue, const broker::Stored& message, const Delivery& delivery) = 0;
    /// The queue went: this consumer has left already and is never called again.
    virtual void cancelled() = 0;

  private:
    friend class ConsumerList;

    Options options_;
    std::int32_t priority_ = 0;
    QueueState* queue_ = nullptr;
    Consumer *previous_ = nullptr, *next_ = nullptr;  ///< ring of those that may have room
};

}  // namespace posthorn::exchange
