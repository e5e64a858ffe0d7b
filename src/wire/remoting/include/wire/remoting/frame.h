#pragma once

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace posthorn::wire::remoting {

/// One remoting frame, all numbers in network order:
///
///     0        4         5               8              8 + H          4 + L
///     +--------+---------+---------------+--------------+--------------+
///     | L      | encod-  | H: 24 bits    | header       | body         |
///     | 32 bit | ing 1 B | header length | H bytes      | L - 4 - H    |
///     +--------+---------+---------------+--------------+--------------+
///
/// L counts what follows it. Encoding 0 is a JSON header, 1 the binary one; an answer goes out in the
/// encoding of its request.
enum class Encoding : std::uint8_t { json = 0, binary = 1 };

/// The largest L we take. Java peers count the length field in and so refuse more than `kMaxWrittenLength`.
inline constexpr std::uint32_t kMaxFrameLength = 16'777'216;
inline constexpr std::uint32_t kMaxWrittenLength = kMaxFrameLength - 4;

/// Views into the stream it was found in.
struct Frame {
    Encoding encoding = Encoding::json;
    Bytes header;
    Bytes body;
    std::size_t size = 0;  ///< bytes of the stream this frame takes, its length field included
};

struct FrameScan {
    bool complete = false;
    /// How long the stream must be for the next scan to get further: 8 while the lengths are not here, then
    /// the frame's size. Equals `frame.size` when complete.
    std::size_t needed = 0;
    Frame frame;
};

/// Looks at the beginning of `stream` (which may hold less or more than one frame) and keeps no state: call
/// again with the same bytes and more once `needed` bytes are there. A length that lies, an encoding nobody
/// has, or a longer frame than `max_length` is an error, found as soon as the bytes that show it are here;
/// the stream cannot be resynchronised after it, so the connection must be closed.
Result<FrameScan> scan_frame(Bytes stream, std::uint32_t max_length = kMaxFrameLength);

}  // namespace posthorn::wire::remoting
