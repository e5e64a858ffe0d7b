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
#include "runtime/tls.h"

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
    /// A TLS handshake takes a few round trips; RabbitMQ's ssl_handshake_timeout.
    std::chrono::milliseconds handshake_timeout{5'000};
    /// TLS handshakes under way at once (some 30 KiB each). Beyond, the oldest goes if it has had a second;
    /// else nobody is accepted for a moment, and the system keeps them.
    std::size_t handshakes_max = 512;
    /// Steps of handshakes in one tick: each may be a signature, a millisecond with a large RSA key.
    std::size_t handshakes_per_tick = 4;
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
    std::uint64_t handshakes = 0;         ///< of TLS that came to a good end
    std::uint64_t handshakes_failed = 0;  ///< whatever the reason, a peer that went included
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
    /// Takes over a connected descriptor, as the server of a TLS session if a context is given. Null if the
    /// limit is reached; the descriptor is closed then.
    Connection* adopt(int descriptor, std::unique_ptr<ConnectionHandler> handler,
                      const TlsContext* tls = nullptr);
    /// Whether one more handshake may begin. Makes room if a handshake has taken too long for that.
    bool room_for_handshake();
    std::size_t handshakes() const { return handshakes_.size(); }  ///< under way

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
    void begin_handshake(Connection& connection);
    void end_handshake(Connection& connection, bool good);
    bool may_shake_hands();
    void time_handshakes();
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
    std::vector<Connection*> handshakes_;  ///< of TLS, under way, the oldest first
    std::vector<iovec> pieces_;            ///< of the send that is being made
    std::vector<Buffer> spare_;
    Buffer scratch_;         ///< every receive lands here first, so idle connections need no buffer
    Buffer sealed_scratch_;  ///< the same for what TLS has sealed; one record's worth for sealing
    std::uint64_t shaken_tick_ = 0;
    std::size_t shaken_ = 0;  ///< steps of handshakes in that tick
    std::uint64_t next_id_ = 1;
    std::uint64_t settled_tick_;  ///< the tick whose settling is done: what comes now needs another one
    std::uint64_t flushed_tick_;  ///< the same for flushing
    std::int64_t sweep_ms_ = 0;   ///< zero: nobody has an idle time
    TickHook settle_hook_;
    TickHook flush_hook_;
    Timer sweep_timer_;
    Timer handshake_timer_;
};

}  // namespace posthorn::runtime
