#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "runtime/loop.h"

struct iovec;

namespace posthorn::runtime {

class Connection;
class Connections;

enum class CloseReason {
    peer_closed,      ///< end of stream
    failed,           ///< the system reported an error (reset, unreachable, refused)
    idle,             ///< no byte moved for the idle time
    input_overflow,   ///< the handler left more unconsumed than the input limit
    output_overflow,  ///< the peer does not read and the output limit is reached
    handler,          ///< closed by our own side
    shutdown,         ///< the `Connections` went
};
inline constexpr std::size_t close_reason_count = 7;
const char* name(CloseReason reason);

/// One protocol session on one connection. Owned by the connection: lives until after `on_closed`. All calls
/// come on the loop's thread, never from within a call of `Connection`.
class ConnectionHandler {
  public:
    virtual ~ConnectionHandler() = default;

    /// Once, before any data: the connection stands.
    virtual void on_open(Connection&) {}
    /// `data` is all that has arrived and was not consumed before. Returns how much of it is done with; the
    /// rest is offered again, together with what comes next. The bytes are valid during the call only.
    virtual std::size_t on_data(Connection& connection, Bytes data) = 0;
    /// The output is below the low watermark again after it was congested.
    virtual void on_writable(Connection&) {}
    /// Once, the last call: neither handler nor connection exist after it. `text` is the system's reason, if
    /// any.
    virtual void on_closed(Connection&, CloseReason, std::string_view text) = 0;
};

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

/// One TCP connection. Output gathers in `out()` during a tick and is sent in one piece at the tick's end;
/// what the socket does not take goes when it can. An idle connection holds no buffer.
class Connection final : private Watcher {
  public:
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Counted from 1, never used twice within a `Connections`.
    std::uint64_t id() const { return id_; }
    /// "127.0.0.1:4711".
    const std::string& peer() const { return peer_; }
    std::uint64_t bytes_sent() const { return bytes_sent_; }  ///< taken by the socket so far
    /// Our own end, the address the peer came to; "unknown" once closed.
    std::string local() const;
    ConnectionHandler& handler() { return *handler_; }

    /// Append to it; it is sent at the end of the tick. The reference is good until the end of the current
    /// callback. After close what is appended is dropped.
    Buffer& out();
    /// Appends bytes that stay where they are until the tick's end (blocks of a memory tail): sent without a
    /// copy, only what the socket does not take is copied. Worth it from a few KiB up.
    void out_borrowed(Bytes bytes);
    /// Appended and not yet taken by the socket.
    std::size_t unsent() const { return out_.size() - sent_ + borrowed_bytes_; }
    /// The peer reads more slowly than we write: stop delivering until `on_writable`. True as soon as
    /// `unsent()` passes the high watermark, until it is below the low one; meanwhile nothing is read from
    /// this connection, unless the options say so.
    bool congested() const;

    /// Nothing is read until `resume_reading`; unconsumed input is then offered again even if nothing new
    /// came.
    void pause_reading();
    void resume_reading();
    bool reading_paused() const { return paused_; }

    /// Closes now; unsent output is lost. `on_closed` follows at the end of the tick. Calling it again does
    /// nothing.
    void close(CloseReason reason = CloseReason::handler, std::string_view text = {});
    /// Reads nothing more, sends what is in `out()`, then closes.
    void close_when_sent();
    bool closed() const { return descriptor_ < 0; }

    /// Replaces the options' idle time for this connection (a negotiated heartbeat); zero for never.
    void set_idle_timeout(std::chrono::milliseconds timeout);

  private:
    friend class Connections;
    struct Borrowed {
        std::size_t at;  ///< in out_: goes before the byte there
        Bytes bytes;
    };

    Connection(Connections& owner, std::uint64_t id, int descriptor, std::string peer,
               std::unique_ptr<ConnectionHandler> handler, bool connecting);

    void on_ready(std::uint32_t events) override;
    void finish_connect();
    void receive();
    std::size_t receive_small();
    std::size_t receive_large();
    std::size_t receive_into(std::byte* into);
    std::size_t offer(Bytes data);
    void offer_again();
    void keep_input(std::size_t consumed);
    void flush();
    template <class Take>
    void each_unsent(Take take) const;
    std::size_t send_now();
    void keep_unsent(std::size_t sent);
    void output_sent();
    bool wants_input() const;
    void update_interest();
    void mark_dirty();
    void touch();

    Connections& owner_;
    std::unique_ptr<ConnectionHandler> handler_;
    Buffer in_;                       ///< unconsumed input only
    Buffer out_;                      ///< borrowed from the owner's spare buffers while there is output
    std::vector<Borrowed> borrowed_;  ///< within one tick
    std::string peer_;
    std::string close_text_;
    std::uint64_t id_;
    std::uint64_t bytes_sent_ = 0;
    std::size_t sent_ = 0;  ///< of out_
    std::size_t borrowed_bytes_ = 0;
    std::size_t index_ = 0;  ///< in the owner's list
    std::int64_t active_ms_ = 0;
    std::int64_t idle_ms_ = 0;
    int descriptor_;
    std::uint32_t interest_ = 0;
    CloseReason close_reason_ = CloseReason::handler;
    bool connecting_;
    bool paused_ = false;
    bool congested_ = false;
    bool blocked_ = false;  ///< the socket took less than offered; waiting for EPOLLOUT
    bool dirty_ = false;
    bool offering_ = false;  ///< in the owner's offers_
    bool closing_ = false;   ///< close_when_sent
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

/// A listening socket. Each accepted connection gets the handler that `make_handler` returns.
class Listener final : private Watcher {
  public:
    using MakeHandler = std::function<std::unique_ptr<ConnectionHandler>()>;

    /// `address` is numeric or a local name; port 0 takes a free one (`port()` says which). If the port is
    /// taken the error is Errc::busy and names it.
    static Result<std::unique_ptr<Listener>> open(Connections& connections, const std::string& address,
                                                  std::uint16_t port, MakeHandler make_handler);
    /// Stops accepting; accepted connections stay.
    ~Listener();

    std::uint16_t port() const { return port_; }

  private:
    Listener(Connections& connections, int descriptor, std::uint16_t port, MakeHandler make_handler);
    void on_ready(std::uint32_t events) override;
    void rest(int error);

    Connections& connections_;
    int descriptor_;
    std::uint16_t port_;
    MakeHandler make_handler_;
    Timer resting_;
};

}  // namespace posthorn::runtime
