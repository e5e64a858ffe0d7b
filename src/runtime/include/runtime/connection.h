#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "runtime/loop.h"
#include "runtime/tls.h"

namespace posthorn::runtime {

class Connection;
class Connections;
class TlsStream;

enum class CloseReason {
    peer_closed,  ///< end of stream
    failed,       ///< the system reported an error (reset, unreachable, refused)
    tls_failed,   ///< no TLS, a handshake refused by either side or too slow, a record that was tampered with
    idle,         ///< no byte moved for the idle time
    input_overflow,   ///< the handler left more unconsumed than the input limit
    output_overflow,  ///< the peer does not read and the output limit is reached
    handler,          ///< closed by our own side
    shutdown,         ///< the `Connections` went
};
inline constexpr std::size_t close_reason_count = 8;
const char* name(CloseReason reason);

/// One protocol session on one connection. Owned by the connection: lives until after `on_closed`. All calls
/// come on the loop's thread, never from within a call of `Connection`.
class ConnectionHandler {
  public:
    virtual ~ConnectionHandler() = default;

    /// Once, before any data: the connection stands. With TLS: the handshake is over.
    virtual void on_open(Connection&) {}
    /// `data` is all that has arrived and was not consumed before. Returns how much of it is done with; the
    /// rest is offered again, together with what comes next. The bytes are valid during the call only.
    virtual std::size_t on_data(Connection& connection, Bytes data) = 0;
    /// The output is below the low watermark again after it was congested.
    virtual void on_writable(Connection&) {}
    /// Once, the last call (and the only one where the connection never stood): neither handler nor
    /// connection exist after it. `text` is the system's reason, or TLS's, if any.
    virtual void on_closed(Connection&, CloseReason, std::string_view text) = 0;
};

/// One TCP connection, with or without TLS: handlers see plain bytes either way. Output gathers in `out()`
/// during a tick and is sent in one piece at the tick's end; what the socket does not take goes when it can.
/// An idle connection holds no buffer.
class Connection final : private Watcher {
  public:
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    /// Counted from 1, never used twice within a `Connections`.
    std::uint64_t id() const { return id_; }
    /// "127.0.0.1:4711".
    const std::string& peer() const { return peer_; }
    /// Of what was appended to `out()`: taken by the socket so far (with TLS: sealed, and on its way there).
    std::uint64_t bytes_sent() const { return bytes_sent_; }
    /// Our own end, the address the peer came to; "unknown" once closed.
    std::string local() const;
    ConnectionHandler& handler() { return *handler_; }
    /// Null without TLS. Complete from `on_open` on.
    const TlsSession* tls() const;

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
    bool open() const { return !connecting_ && !shaking_hands_; }
    void receive();
    std::size_t receive_small();
    std::size_t receive_large();
    std::size_t receive_into(std::byte* into);
    std::size_t receive_from_socket(std::byte* into);
    std::size_t input_room() const;
    std::size_t offer(Bytes data);
    void offer_again();
    void keep_input(std::size_t consumed);
    void flush();
    template <class Take>
    void each_unsent(Take take) const;
    std::size_t send_now();
    void say_last_words();
    void keep_unsent(std::size_t sent);
    void output_sent();
    bool wants_input() const;
    void update_interest();
    void mark_dirty();
    void touch();

    // connection_tls.cc
    void begin_tls(const TlsContext& context);
    std::size_t receive_sealed(std::byte* into);
    void end_as_peer_did();
    bool shake_hands();
    std::size_t send_sealed();
    std::size_t seal(std::size_t done);
    bool send_all_sealed();
    void fail_tls(std::string_view why);
    bool all_sent() const;

    Connections& owner_;
    std::unique_ptr<ConnectionHandler> handler_;
    std::unique_ptr<TlsStream> tls_;  ///< null: plain
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
    bool shaking_hands_ = false;  ///< TLS is not there yet
    bool paused_ = false;
    bool congested_ = false;
    bool blocked_ = false;  ///< the socket took less than offered; waiting for EPOLLOUT
    bool dirty_ = false;
    bool offering_ = false;  ///< in the owner's offers_
    bool closing_ = false;   ///< close_when_sent
};

}  // namespace posthorn::runtime
