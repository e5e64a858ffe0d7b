#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "tcp_link.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/frame.h"
#include "wire/remoting/header.h"

namespace posthorn::cli {

/// A connection to a RocketMQ server, for the load programs.
class RemotingConnection : public TcpLink {
  public:
    static Result<RemotingConnection> open(const std::string& address,
                                           std::chrono::milliseconds timeout = std::chrono::seconds(3));

    /// Calls `each(frame)` for every complete frame in the input and forgets them. Views die with the call.
    template <class F>
    Result<void> take_frames(F&& each) {
        while (true) {
            auto scan = wire::remoting::scan_frame(input());
            if (!scan) return scan.error();
            if (!scan->complete) break;
            take(scan->frame.size);
            each(scan->frame);
        }
        forget_taken();
        return {};
    }

  private:
    explicit RemotingConnection(TcpLink link) : TcpLink(std::move(link)) {}
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
