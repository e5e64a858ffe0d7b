#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "broker/broker.h"
#include "session.h"
#include "wire/remoting/header.h"

namespace posthorn::gateway::remoting {

/// A message that was taken in and whose sender has not been told, because the disk does not have it yet.
struct PendingSend {
    broker::Receipt receipt;
    SessionHandle session;
    wire::ReplyTo reply;
    CodeStats* stats = nullptr;
    std::int64_t started_ns = 0;
    std::int32_t queue = 0;   ///< its number in the topic, as the reply names it
    std::uint32_t parts = 1;  ///< messages that one reply answers: a batch's first carries their number
    bool with_id = true;      ///< a send's reply names the message; a send-back's does not
};

/// Replies that wait for the disk, in the order their messages were given: a first-in-first-out per log,
/// because that is the order in which they become true, and one for messages of new topics, which wait for
/// their topic as well. Rings that grow to their limit and stay: nothing is
/// allocated per message.
class PendingSends {
  public:
    explicit PendingSends(std::size_t limit) : limit_(limit) {}

    /// Room for this many more?
    bool room_for(std::size_t count) const { return size() + count <= limit_; }
    void push(const PendingSend& send) {
        (send.receipt.names != 0 ? fresh_ : send.receipt.delayed ? queue_ : stream_).push(send);
    }
    /// Answers everything that has become true or cannot become true any more.
    void release(Gateway& gateway);
    std::size_t size() const { return stream_.size() + queue_.size() + fresh_.size(); }

  private:
    class Ring {
      public:
        std::size_t size() const { return tail_ - head_; }
        PendingSend& at(std::size_t n) { return slots_[(head_ + n) & (slots_.size() - 1)]; }
        void push(const PendingSend& send) {
            if (size() == slots_.size()) [[unlikely]]
                grow();
            slots_[tail_++ & (slots_.size() - 1)] = send;
        }
        void pop(std::size_t count) { head_ += count; }

      private:
        void grow();

        std::vector<PendingSend> slots_;  // a power of two
        std::size_t head_ = 0, tail_ = 0;
    };
    void release(Gateway& gateway, Ring& ring);

    std::size_t limit_;
    Ring stream_, queue_, fresh_;
};

/// The reply to a send: the receipts of one batch, or one.
void write_send_reply(Gateway& gateway, Session& session, Buffer& out, wire::ReplyTo to, std::int32_t queue,
                      std::span<const broker::Receipt> receipts);

}  // namespace posthorn::gateway::remoting
