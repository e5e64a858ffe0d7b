#pragma once

#include <fmt/core.h>

#include <functional>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "names.h"
#include "parked_calls.h"
#include "session.h"
#include "wire/remoting/frame_writer.h"
#include "wire/remoting/header.h"
#include "wire/remoting/send_request.h"

namespace posthorn::gateway::remoting {

struct CodeStats;

/// One request while its handler runs. The header and the body are views into the connection's input: what
/// is needed later must be copied.
///
/// A handler answers exactly once, with `ok`, `fail` or a `reply` it finishes, or hands `reply_to` on to
/// somebody who will. A one-way request is answered into a buffer nobody sends.
struct Call {
    Gateway& gateway;
    Session& session;
    const wire::Header& header;
    const wire::Frame& frame;
    CodeStats& stats;
    std::int64_t started_ns;                  ///< when its bytes arrived
    const wire::SendRequest* send = nullptr;  ///< what the header of a send says, if its form was known
    ParkedCalls::Parked* parked = nullptr;    ///< where it was kept, when it runs again
    Bytes body = frame.body;
    bool waits = false;  ///< parked: it runs again

    /// A reply whose fields and body the handler writes; it calls `finish()` on it.
    wire::FrameWriter reply(ResponseCode code = ResponseCode::success, std::string_view remark = {});
    void ok() { (void)reply().finish(); }
    void fail(ResponseCode code, std::string_view remark);
    void fail(const Error& reason) { fail(ResponseCode::system_error, reason.message); }
    /// Text that was written as JSON.
    void ok_body(std::string_view json);
    /// A body that is written into the reply; fails when it becomes too long for a frame.
    void ok_body(const std::function<void(Buffer&)>& write);

    /// Reads fields, and answers code 1 with the reason when one is missing or malformed (as the original
    /// does when it cannot decode a header): `if (!call.text("topic", topic)) return;`
    bool text(std::string_view key, std::string_view& value);
    bool number(std::string_view key, std::int32_t& value);
    bool number(std::string_view key, std::int64_t& value);
    bool number_or(std::string_view key, std::int32_t fallback, std::int32_t& value);
    bool number_or(std::string_view key, std::int64_t fallback, std::int64_t& value);
    bool truth_or(std::string_view key, bool fallback, bool& value);

    bool oneway() const { return header.is_oneway(); }

    /// Runs the handler again, from its start, when the disk has answered. For a handler that was told
    /// Errc::loading and has changed nothing and answered nothing yet; it returns right after. False when the
    /// call cannot wait (any more): answer with what there is, or with `busy`.
    [[nodiscard]] bool park();
    /// Parks for Errc::loading, fails with `code` and `remark` for everything else.
    void park_or_fail(const Error& reason, ResponseCode code, std::string_view remark);
};

}  // namespace posthorn::gateway::remoting
