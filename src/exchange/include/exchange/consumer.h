#pragma once

#include <cstdint>
#include <string>

#include "broker/broker.h"
#include "exchange/queue.h"
#include "model/value.h"

namespace posthorn::exchange {

class Queue;

/// A message in somebody's hands: its lane in the queue and its place there.
struct DeliveryId {
    std::uint8_t lane = 0;
    model::QueueOffset offset{};
};

struct Delivery {
    DeliveryId id;
    bool redelivered = false;
    std::uint32_t attempt = 1;
    std::uint64_t ready_left = 0;  ///< after this one, for those who ask with `get`
};

/// Somebody a queue hands messages to. Owned by its channel; joins and leaves through `VirtualHost`. Every
/// call comes on the engine's thread, from inside `VirtualHosts::dispatch` or the call that made the queue
/// go.
class Consumer {
  public:
    struct Options {
        std::string tag;
        std::int32_t priority = 0;     ///< higher ones are served first as long as they can take
        bool exclusive = false;        ///< nobody else may consume this queue
        bool settles_at_once = false;  ///< "no ack": delivered is settled
        OwnerId owner = 0;
        model::Arguments arguments;
    };

    explicit Consumer(Options options) : options_(std::move(options)) {}
    virtual ~Consumer() = default;
    const Options& options() const { return options_; }

    /// Can take one more right now: window, socket, alarms. When it turns true again the consumer says so
    /// with `Queue::consumer_ready`, or it will not be asked.
    virtual bool can_take() const = 0;
    /// The message's views are good during the call. Unless `settles_at_once`, it is in flight until
    /// `Queue::settle`, `requeue` or `reject`.
    virtual void deliver(Queue& queue, const broker::Stored& message, const Delivery& delivery) = 0;
    /// The queue went, or was taken away: it has left already and is never called again.
    virtual void cancelled() = 0;

  private:
    Options options_;
};

}  // namespace posthorn::exchange
