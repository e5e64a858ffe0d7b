#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"

namespace posthorn::cli {

/// Nanoseconds of the steady clock.
std::int64_t steady_now();

/// A TCP connection of a load program: one thread, no event loop, one read and one write for as many frames
/// as there are. Output is collected in `out()` and goes with `write_some()`; whose protocol it is, a derived
/// connection knows.
class TcpLink {
  public:
    TcpLink(TcpLink&& other) noexcept;
    TcpLink& operator=(TcpLink&& other) noexcept;
    ~TcpLink();

    int fd() const { return fd_; }

    Buffer& out() { return out_; }
    bool unsent() const { return written_ < out_.size(); }
    /// Hands to the kernel what it takes; never waits.
    Result<void> write_some();
    /// Waits until everything is written; what arrives meanwhile is read, so that neither side can block the
    /// other.
    Result<void> write_all(std::chrono::milliseconds timeout = std::chrono::seconds(10));

    /// Appends what is there to the input; waits at most `timeout` for the first byte (0: not at all).
    /// Returns the bytes read, 0 after the timeout; a closed connection is an error.
    Result<std::size_t> read_some(std::chrono::milliseconds timeout);

  protected:
    /// `address` is HOST:PORT, HOST an IPv4 address or a name. `timeout` is for connecting.
    static Result<TcpLink> connect(const std::string& address, std::chrono::milliseconds timeout);

    /// What was read and not yet taken.
    Bytes input() const { return input_.view().subspan(taken_); }
    void take(std::size_t bytes) { taken_ += bytes; }
    /// Gives up the bytes that were taken; views into them die.
    void forget_taken();

  private:
    explicit TcpLink(int fd) : fd_(fd) {}
    Result<bool> wait(short events, std::chrono::milliseconds timeout);

    int fd_ = -1;
    Buffer out_;
    std::size_t written_ = 0;
    Buffer input_;
    std::size_t taken_ = 0;
    std::chrono::milliseconds receive_timeout_{0};  ///< what the socket was last told
};

}  // namespace posthorn::cli
