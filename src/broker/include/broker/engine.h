#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "broker/broker.h"

namespace posthorn::broker {

/// The engine for a program that wants queues and topics inside itself, "the SQLite of message brokers": real
/// files in a directory, a thread that syncs, the system's clock, SQLite for the names. One thread owns it.
///
///     auto engine = Engine::open("data");
///     (*engine)->broker().publish(...);
///     (*engine)->tick();     // now it is written, and readable
///
/// A tick in which names were made waits for SQLite, so that they are there when it ends.
///
/// Destroying without `close` is like a kill: nothing written is lost, and the next `open` recovers.
class Engine {
  public:
    static Result<std::unique_ptr<Engine>> open(const std::string& directory, BrokerOptions options = {});
    ~Engine();

    /// Between two ticks: publish, fetch, take, settle.
    Broker& broker();
    /// Ends the tick (one write per log, then waiters are told) and begins the next one with the time it is.
    void tick();
    /// Writes and syncs everything. Only the destructor may follow.
    Result<void> close();

  private:
    struct Parts;
    explicit Engine(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace posthorn::broker
