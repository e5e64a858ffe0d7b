#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "runtime/tls.h"

namespace posthorn::gateway::amqp {

/// The far end of a session as the session sees it: a TCP connection, or a test that drives it with bytes.
class Link {
  public:
    virtual ~Link() = default;
    /// What is appended goes to the client at the tick's end. Good until the current callback returns.
    virtual Buffer& out() = 0;
    /// The client does not read what it was sent; `Session::on_writable` follows when it does again.
    virtual bool congested() const = 0;
    virtual std::size_t unsent() const = 0;
    /// Appended to `out()` so far, sent or not.
    virtual std::uint64_t bytes_out() const = 0;
    /// Nothing is offered until `resume_reading`; then what was left over is offered again.
    virtual void pause_reading() = 0;
    virtual void resume_reading() = 0;
    /// Closes now; the session's destructor follows, never from inside.
    virtual void close(std::string_view why) = 0;
    /// Sends what is in `out()`, then closes.
    virtual void close_when_sent() = 0;
};

/// Both ends of a link, for people.
struct Ends {
    std::string peer_host, host;
    std::uint16_t peer_port = 0, port = 0;
    bool loopback = false;                     ///< the peer is on this machine
    const runtime::TlsSession* tls = nullptr;  ///< lives as long as the link; null: none
};

}  // namespace posthorn::gateway::amqp
