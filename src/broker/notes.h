#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "state_records.h"
#include "store/log.h"

namespace posthorn::broker {

/// Puts state notes into the queue log. What finds no room on the disk is kept, in order, and tried again;
/// meanwhile the broker takes nothing new in (`waiting`), so what is kept stays small: it is about messages
/// that were taken before.
class Notes {
  public:
    void use(store::Log* log, std::size_t note_bytes) {
        log_ = log;
        note_bytes_ = std::min(note_bytes, state_note_bytes_max);
        writer_ = StateWriter([this](Bytes note) { put(note); }, note_bytes_);
    }
    std::size_t note_bytes() const { return note_bytes_; }
    void at(std::int64_t now_ms) { now_ms_ = now_ms; }

    StateWriter& writer() { return writer_; }
    /// Ends the open note and tries again what was kept.
    void flush();
    bool waiting() const { return !kept_.empty(); }
    /// A snapshot was written (it may be from inside `flush`): what is kept is in it.
    void snapshot_written() { in_snapshot_ = true; }

  private:
    void put(Bytes note);
    bool append(Bytes note);

    store::Log* log_ = nullptr;
    std::int64_t now_ms_ = 0;
    std::size_t note_bytes_ = state_note_bytes_max;
    StateWriter writer_{[](Bytes) {}};
    std::vector<std::vector<std::byte>> kept_;
    bool in_snapshot_ = false;
};

}  // namespace posthorn::broker
