#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "runtime/connection.h"
#include "runtime/loop.h"

struct iovec;

namespace posthorn::runtime {

struct ConnectionOptions {
    /// Read from one connection per tick at most: a flood waits in its own socket, the others get their turn.
    std::size_t input_share = std::size_t{64} << 10;
    /// Unconsumed input at most: the largest frame plus one share. RocketMQ's frames end at 16 MiB.
    std::size_t input_limit = (std::size_t{16} << 20) + (std::size_t{64} << 10);
    /// Unsent output above which a connection is congested (and, unless `read_while_congested`, not read),
    /// and below which it is well again.
    std::size_t output_high = std::size_t{1} << 20;
    std::size_t output_low = std::size_t{256} << 10;
    /// For protocols in which either side speaks when it likes: a peer that writes before it reads again
    /// would wait for ever. The handler bounds what it answers by then (`pause_reading`).
    bool read_while_congested = false;
    /// Unsent output above which it is closed. Room for what was under way when it became congested.
    std::size_t output_limit = std::size_t{64} << 20;
    /// Closed when no byte moved either way for so long; zero for never. Checked about eight times in this
    /// span, for all connections in one sweep.
    std::chrono::milliseconds idle_timeout{120'000};
    /// Open at once; further ones are accepted and closed at once, and counted.
    std::size_t max_connections = 100'000;
};

struct ConnectionStats {
    std::uint64_t opened = 0;
    std::uint64_t refused = 0;  ///< above max_connections
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t receives = 0;  ///< system calls
    std::uint64_t sends = 0;     ///< system calls
    std::uint64_t congestions = 0;
    std::array<std::uint64_t, close_reason_count> closed{};  ///< by CloseReason
};

/// The connections of one loop that share limits and counters (say, all of one protocol). One thread.
class Connections {
  public:
    Connections(Loop& loop, ConnectionOptions options);
    /// Closes all with CloseReason::shutdown; their handlers are told.
    ~Connections();
    Connections(const Connections&) = delete;
    Connections& operator=(const Connections&) = delete;

    /// Begins to connect to a numeric address; `on_open` follows, or `on_closed` with the reason.
    Result<Connection*> connect(const std::string& address, std::uint16_t port,
                                std::unique_ptr<ConnectionHandler> handler);
    /// Takes over a connected descriptor. Null if the limit is reached; the descriptor is closed then.
    Connection* adopt(int descriptor, std::unique_ptr<ConnectionHandler> handler);

    std::size_t size() const { return all_.size(); }
    const ConnectionStats& stats() const { return stats_; }
    const ConnectionOptions& options() const { return options_; }
    Loop& loop() { return loop_; }
    /// For shutting down and for the console.
    void for_each(const std::function<void(Connection&)>& call);

  private:
    friend class Connection;
    Connection* add(int descriptor, std::string peer, std::unique_ptr<ConnectionHandler> handler,
                    bool connecting);
    void settle();
    void settle_again();
    void flush();
    void flush_again();
    void sweep_idle();
    void note_idle(std::int64_t idle_ms);
    Buffer take_buffer();
    void give_buffer(Buffer& buffer);

    Loop& loop_;
    const ConnectionOptions options_;
    ConnectionStats stats_;
    std::vector<std::unique_ptr<Connection>> all_;
    std::vector<Connection*> dirty_;     ///< have output; drained every tick
    std::vector<Connection*> offers_;    ///< have unconsumed input to offer again
    std::vector<Connection*> finished_;  ///< closed, their handlers not told yet
    std::vector<Connection*> flushing_;
    std::vector<iovec> pieces_;  ///< of the send that is being made
    std::vector<Buffer> spare_;
    Buffer scratch_;  ///< every receive lands here first, so idle connections need no buffer
    std::uint64_t next_id_ = 1;
    std::uint64_t settled_tick_;  ///< the tick whose settling is done: what comes now needs another one
    std::uint64_t flushed_tick_;  ///< the same for flushing
    std::int64_t sweep_ms_ = 0;   ///< zero: nobody has an idle time
    TickHook settle_hook_;
    TickHook flush_hook_;
    Timer sweep_timer_;
};

}  // namespace posthorn::runtime
