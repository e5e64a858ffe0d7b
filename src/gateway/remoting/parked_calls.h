#pragma once

#include <cstddef>
#include <cstdint>
#include <list>

#include "base/bytes.h"
#include "broker/broker.h"
#include "session.h"
#include "wire/remoting/frame.h"

namespace posthorn::gateway::remoting {

struct Call;

/// Requests that need a message which is on its way from the disk: sending back, viewing by id, searching by
/// time. A handler that meets Errc::loading before it changed anything parks its call (`Call::park`); the
/// call runs again, from its start and on a copy of its frame, whenever some load has finished, until it
/// answers. Pulls have a way of their own (held_pulls.h).
class ParkedCalls {
  public:
    explicit ParkedCalls(Gateway& gateway) : gateway_(gateway) {}

    /// Keeps a call that runs for the first time. False when too many are parked or this one is too large.
    bool park(const Call& call);
    void drop_all_of(const Session& session);
    /// Lets the next in line run when those before them have gone. Now and then, from a quiet place.
    void go_on();
    std::size_t size() const { return parked_.size(); }

    class Parked;

  private:
    void run(std::list<Parked>::iterator parked);

    Gateway& gateway_;
    std::list<Parked> parked_;  // the first of them run, the others wait for their turn
    std::size_t running_ = 0;
};

/// One of them. Waits for the disk when it is among the running ones.
class ParkedCalls::Parked final : public broker::Waiter {
  public:
    explicit Parked(ParkedCalls& owner) : owner_(owner) {}
    void on_readable() override;

    std::list<Parked>::iterator self;
    SessionHandle session;
    wire::Encoding encoding{};
    Buffer header, body;
    std::int64_t started_ns = 0;
    std::uint32_t runs = 0;
    bool running = false;

  private:
    ParkedCalls& owner_;
};

}  // namespace posthorn::gateway::remoting
