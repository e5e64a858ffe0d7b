#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/frame.h"
#include "wire/remoting/header.h"

namespace posthorn::cli {

/// Nanoseconds of the steady clock.
std::int64_t steady_now();

/// A TCP connection to a RocketMQ server, for the load programs: one thread, no event loop, one read and one
/// write for as many frames as there are. Output is collected in `out()` and goes with `write_some()`.
class RemotingConnection {
  public:
    /// `address` is HOST:PORT, HOST an IPv4 address or a name. `timeout` is for connecting.
    static Result<RemotingConnection> open(const std::string& address,
                                           std::chrono::milliseconds timeout = std::chrono::seconds(3));
    RemotingConnection(RemotingConnection&& other) noexcept;
    RemotingConnection& operator=(RemotingConnection&& other) noexcept;
    ~RemotingConnection();

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

    /// Calls `each(frame)` for every complete frame in the input and forgets them. Views die with the call.
    template <class F>
    Result<void> take_frames(F&& each) {
        while (true) {
            auto scan = wire::remoting::scan_frame(input_.view().subspan(taken_));
            if (!scan) return scan.error();
            if (!scan->complete) break;
            taken_ += scan->frame.size;
            each(scan->frame);
        }
        forget_taken();
        return {};
    }

  private:
    explicit RemotingConnection(int fd) : fd_(fd) {}
    void forget_taken();
    Result<bool> wait(short events, std::chrono::milliseconds timeout);

    int fd_ = -1;
    Buffer out_;
    std::size_t written_ = 0;
    Buffer input_;
    std::size_t taken_ = 0;
    std::chrono::milliseconds receive_timeout_{0};  ///< what the socket was last told
};

/// Code and opaque of an answer, read without decoding the rest of its header.
struct AnswerHead {
    std::int32_t code = 0;
    std::int32_t opaque = 0;
};
Result<AnswerHead> peek_answer(const wire::remoting::Frame& frame);

/// One answer, copied out of the connection. Not for the hot path.
struct Answer {
    std::int32_t code = 0;
    std::string remark;
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body;

    /// Empty when the field was not sent.
    std::string_view text(std::string_view key) const;
    Result<std::int64_t> number(std::string_view key) const;
};
using Fields = std::vector<std::pair<std::string, std::string>>;

/// One request and its answer, on a connection with nothing in flight.
Result<Answer> call(RemotingConnection& connection, wire::remoting::RequestCode code, const Fields& fields,
                    std::string_view body = {}, std::chrono::milliseconds timeout = std::chrono::seconds(10));

}  // namespace posthorn::cli
