#pragma once

#include <cstdint>
#include <vector>

#include "broker/broker.h"
#include "handles.h"

namespace posthorn::gateway::amqp {

struct Gateway;

/// Publishes of a channel that are told when the disk has them.
struct PendingConfirm {
    broker::Receipt receipt;  ///< of the last of them
    Handle channel;
    std::uint64_t first = 0, last = 0;  ///< by number; 0 to 0 is a transaction's commit
    std::uint64_t tick = 0;
    bool must_sync = false;
};

/// Confirms that wait for the disk, in the order of their receipts: one queue for those that wait for the
/// write, one for those that wait for the sync, and one for messages in new queues, which wait for their
/// queue as well; within each that is the order in which they become true. What one channel published in one
/// tick is one entry. Rings that grow to their limit and stay.
class PendingConfirms {
  public:
    explicit PendingConfirms(std::size_t limit) : limit_(limit) {}

    bool room() const { return size() < limit_; }
    void push(PendingConfirm confirm, bool must_sync);
    /// Marks everything that became true, or cannot any more, at its channel.
    void release(Gateway& gateway);
    std::size_t size() const { return written_.size() + synced_.size() + fresh_.size(); }

  private:
    class Ring {
      public:
        std::size_t size() const { return tail_ - head_; }
        PendingConfirm& front() { return slots_[head_ & (slots_.size() - 1)]; }
        PendingConfirm& back() { return slots_[(tail_ - 1) & (slots_.size() - 1)]; }
        void push(const PendingConfirm& confirm);
        void pop() { ++head_; }

      private:
        std::vector<PendingConfirm> slots_;  // a power of two
        std::size_t head_ = 0, tail_ = 0;
    };
    void release(Gateway& gateway, Ring& ring);

    std::size_t limit_;
    Ring written_, synced_, fresh_;
};

}  // namespace posthorn::gateway::amqp
