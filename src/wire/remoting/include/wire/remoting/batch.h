#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace posthorn::wire::remoting {

/// One message of a batch. Views into the batch's body.
struct BatchItem {
    std::int32_t flag = 0;
    Bytes body;
    std::string_view properties;
};

/// The body of a batch send (code 320, or 310 with m = true): again and again
/// size 32, magic 32 (zero), crc 32 (zero), flag 32, body length 32, body, properties length 16, properties.
/// The size counts itself.
class BatchCursor {
  public:
    explicit BatchCursor(Bytes body) : body_(body), rest_(body) {}

    /// True with the next item, false at the end; an item whose lengths contradict each other is
    /// `Errc::invalid`, and ends the walk.
    Result<bool> next(BatchItem& item);

  private:
    Bytes body_;
    Bytes rest_;
};

/// How many items the body holds; walks through all of it, so that a broken batch is refused before its first
/// message is stored.
Result<std::size_t> count_batch(Bytes body);

/// Appends one item: what a producer sends.
void append_batch_item(Buffer& out, const BatchItem& item);

}  // namespace posthorn::wire::remoting
