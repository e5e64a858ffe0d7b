#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "store/log.h"
#include "wait_list.h"

namespace posthorn::broker {

enum class LogId : std::uint8_t { stream = 0, queue = 1 };

/// How far each queue may be read: what was appended shows when the flush mode allows it, and then whoever
/// waits for the queue is woken. 32 bytes per queue.
class Visibility {
  public:
    /// A message was appended; it stays unseen until released.
    void appended(LogId log, model::QueueId queue, model::QueueOffset offset);
    /// A volatile message was appended to the queue. It need not wait for a write of its own, only for what
    /// stands before it. True if it has to.
    bool appended_volatile(model::QueueId queue, model::QueueOffset offset);
    /// Everything appended to `log` so far is written up to `position`: it shows once `release` gets there.
    void written(LogId log, store::Position position);
    /// More may be read for another reason than a release.
    void grew(model::QueueId queue) { released_.push_back(queue); }
    /// What is safe now shows. `wake_released` follows when the tick is in order.
    void release(LogId log, store::Position safe);
    /// Wakes those who wait for queues released since the last call; `also(queue)` is called for each.
    template <class Also>
    void wake_released(Also&& also) {
        woken_.swap(released_);
        for (const model::QueueId queue : woken_) {
            at(queue).grown = false;
            at(queue).waiters.wake();
            also(queue);
        }
        woken_.clear();
    }

    /// Where reading ends, given where the log's range of the queue ends.
    model::QueueOffset end(model::QueueId queue, model::QueueOffset log_end) const {
        const std::size_t n = queue.value();
        return n < queues_.size() && queues_[n].pending ? queues_[n].shown : log_end;
    }
    void wait(model::QueueId queue, Waiter& waiter) { at(queue).waiters.add(waiter); }
    std::size_t waiters() const;

  private:
    struct Queue {
        model::QueueOffset shown;     ///< end of what may be read, while something is pending
        model::QueueOffset appended;  ///< end of what was appended
        std::uint32_t pending = 0;    ///< ticks whose messages are not released
        bool touched = false;         ///< appended to since the last `written`
        bool grown = false;           ///< in released_
        WaitList waiters;
    };
    struct Step {
        model::QueueId queue;
        model::QueueOffset end;
        store::Position position;
    };

    void grew(Queue& state, model::QueueId queue) {
        if (state.grown) return;
        state.grown = true;
        released_.push_back(queue);
    }
    Queue& at(model::QueueId queue) {
        if (queue.value() >= queues_.size()) queues_.resize(queue.value() + 1);
        return queues_[queue.value()];
    }

    std::vector<Queue> queues_;
    std::array<std::vector<model::QueueId>, 2> touched_;  ///< per log
    /// In the order of positions; those before `first` are done and go when all are.
    struct Steps {
        std::vector<Step> list;
        std::size_t first = 0;
    };
    std::array<Steps, 2> steps_;  ///< per log
    std::vector<model::QueueId> released_, woken_;
};

}  // namespace posthorn::broker
