#pragma once

#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/remoting/codes.h"
#include "wire/remoting/header.h"

namespace posthorn::wire::remoting {

/// Writes one frame at the end of a buffer, in this order: head, fields, body, `finish()`.
///
///     auto writer = FrameWriter::response(out, header.reply_to(), ResponseCode::success);
///     writer.field("msgId", id);
///     writer.field("queueOffset", offset);
///     writer.body().append(bytes);   // or write into it in place
///     auto done = writer.finish();
///
/// Field values are strings on the wire in both encodings, as every client reads them. Keys are our own
/// constants and are not escaped. The writer refers to the buffer: nothing else may write to it before
/// `finish()`. A frame that is not finished must be undone with `cancel()`.
class FrameWriter {
  public:
    static FrameWriter response(Buffer& out, ReplyTo to, ResponseCode code, std::string_view remark = {});
    /// Requests of our own: pushes to clients, and the load program. `oneway` asks for no answer.
    static FrameWriter request(Buffer& out, Encoding encoding, RequestCode code, std::int32_t opaque,
                               bool oneway = false);

    void field(std::string_view key, std::string_view value);
    void field(std::string_view key, const char* value) { field(key, std::string_view(value)); }
    void field(std::string_view key, bool value) { field(key, std::string_view(value ? "true" : "false")); }
    void field(std::string_view key, std::int64_t value);
    void field(std::string_view key, std::int32_t value) { field(key, std::int64_t{value}); }
    void field(std::string_view key, std::uint32_t value) { field(key, std::int64_t{value}); }
    void field(std::string_view key, std::uint64_t value) { field(key, static_cast<std::int64_t>(value)); }

    /// Ends the header: what is appended to the returned buffer (the one given at the start) until `finish()`
    /// is the body.
    Buffer& body();
    /// Bytes of body so far. Only after `body()`.
    std::size_t body_size() const { return out_->size() - body_; }

    /// Writes the lengths. A frame over the limit is taken out of the buffer again (`Errc::invalid`); the
    /// caller then answers with an error of its own.
    Result<void> finish();
    void cancel() { out_->resize(start_); }

  private:
    FrameWriter(Buffer& out, Encoding encoding, std::int32_t code, std::int32_t opaque, std::int32_t flag,
                std::string_view remark);
    void json_head(std::int32_t code, std::int32_t opaque, std::int32_t flag, std::string_view remark);
    void binary_head(std::int32_t code, std::int32_t opaque, std::int32_t flag, std::string_view remark);
    char* begin_field(std::string_view key, std::size_t room);

    Buffer* out_;
    Encoding encoding_;
    std::size_t start_;
    std::size_t fields_ =
        0;  ///< binary: where the length of the fields stands; JSON: not 0 once the object is open
    std::size_t body_ = 0;  ///< 0 until the header is ended
};

}  // namespace posthorn::wire::remoting
