#pragma once

#include <cstdint>
#include <vector>

#include "exchange/consumer.h"

namespace posthorn::exchange {

/// Who consumes one queue, and whose turn it is: the highest priority that has room first, among equals one
/// after the other. Of a queue with single active consumer only the active one is ever chosen.
class ConsumerList {
  public:
    explicit ConsumerList(QueueState& queue) : queue_(queue) {}

    void set_single_active(bool single) { single_active_ = single; }
    void add(Consumer& consumer, std::int32_t priority);
    void remove(Consumer& consumer);
    /// It may have room again.
    void ready(Consumer& consumer);

    /// The next one with room; null if there is none. Whoever has none leaves the ring until `ready`.
    Consumer* next();
    /// Whether asking for the next one makes sense.
    bool anyone_ready() const;
    /// How many messages they could take together, `enough` at most.
    std::uint64_t room(std::uint64_t enough) const;

    static QueueState* queue_of(const Consumer& consumer) { return consumer.queue_; }
    bool active(const Consumer& consumer) const { return !single_active_ || &consumer == active_; }
    bool exclusive() const { return exclusive_; }
    const std::vector<Consumer*>& all() const { return all_; }
    std::size_t size() const { return all_.size(); }

  private:
    struct Ring {
        std::int32_t priority = 0;
        Consumer* first = nullptr;  ///< whose turn it is
    };

    bool takes(Consumer& consumer);
    Ring& ring(std::int32_t priority);
    static void link(Ring& ring, Consumer& consumer);
    void unlink(Consumer& consumer);
    void choose_active();

    QueueState& queue_;
    bool single_active_ = false, exclusive_ = false;
    Consumer* active_ = nullptr;
    std::vector<Consumer*> all_;  ///< in the order they came
    std::vector<Ring> rings_;     ///< highest priority first
};

}  // namespace posthorn::exchange
