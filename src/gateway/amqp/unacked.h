#pragma once

#include <cstdint>
#include <vector>

#include "exchange/consumer.h"

namespace posthorn::gateway::amqp {

/// What a client says of a message.
enum class Verdict : std::uint8_t { ack, requeue, reject };

/// A message in the client's hands.
struct Unsettled {
    std::uint64_t tag = 0;
    exchange::DeliveryId id;
    std::uint32_t source = 0;  ///< who gave it out: see `Sources`
    enum class State : std::uint8_t {
        live,
        staged,   ///< settled in a transaction that is not committed yet
        settled,  ///< a gap until it is squeezed out
    } state = State::live;
    Verdict verdict = Verdict::ack;  ///< of a staged one
};

/// What a channel has delivered and the client has not settled, in the order of the delivery tags. Settling
/// the oldest, the newest, or anything of a run without gaps is O(1); behind gaps it is a binary search. Gaps
/// are squeezed out when they are half of it, so memory follows what is really open.
class Unacked {
  public:
    void push(std::uint64_t tag, std::uint32_t source, exchange::DeliveryId id);

    bool empty() const { return live_ == 0; }
    std::size_t size() const { return live_; }  ///< live ones
    std::size_t staged() const { return staged_; }
    std::size_t capacity() const { return ring_.size(); }

    /// The lowest tag of a live one; not when empty.
    std::uint64_t oldest();
    /// The live one with this tag, or null. Good until the next call.
    Unsettled* find(std::uint64_t tag);

    void settle(Unsettled& one) { change(one, Unsettled::State::settled); }
    void stage(Unsettled& one, Verdict verdict) {
        one.verdict = verdict;
        change(one, Unsettled::State::staged);
    }
    /// Staged ones are live again (rollback), in their places.
    void unstage();

    /// Calls `visit(Unsettled&)` for each live one up to and including `tag`, oldest first; the visitor
    /// settles or stages it.
    template <class Visit>
    void each_up_to(std::uint64_t tag, Visit visit) {
        for (std::size_t n = 0; n < count_ && at(n).tag <= tag; ++n)
            if (at(n).state == Unsettled::State::live) visit(at(n));
        tidy();
    }
    template <class Visit>
    void each_staged(Visit visit) {
        for (std::size_t n = 0; n < count_; ++n)
            if (at(n).state == Unsettled::State::staged) visit(at(n));
        tidy();
    }
    /// Drops settled ones where that is cheap; after single settles.
    void tidy();

  private:
    Unsettled& at(std::size_t n) { return ring_[(head_ + n) & (ring_.size() - 1)]; }
    void change(Unsettled& one, Unsettled::State to);
    void grow();
    void squeeze();

    std::vector<Unsettled> ring_;  // a power of two
    std::size_t head_ = 0, count_ = 0;
    std::size_t live_ = 0, staged_ = 0;
};

}  // namespace posthorn::gateway::amqp
