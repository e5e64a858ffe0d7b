#pragma once

#include <cstdint>
#include <vector>

namespace posthorn::cli {

/// What one producer of the torture sent and what the server said to it: the truth the server is held to
/// after it was killed. One thread at a time.
class TortureLedger {
  public:
    /// Noted before the first byte of the message leaves. Returns its number, from 0 upwards.
    std::uint64_t issue(std::int64_t sent_ns, std::uint32_t delay_ms);
    /// The server answered "stored". `queue` and `offset` are where it said the message lies; a delayed
    /// message has its place later.
    void acknowledge(std::uint64_t number, std::uint32_t queue, std::int64_t offset);

    std::uint64_t issued() const { return entries_.size(); }
    std::uint64_t acknowledged() const { return acknowledged_; }
    std::uint32_t delay_ms(std::uint64_t number) const { return entries_[number].delay_ms; }
    /// When the last acknowledged delayed message is due; 0 without any.
    std::int64_t last_due_ns() const;

    /// Reading everything back: start over, then every message found, in any order.
    void begin_reading();
    /// False: no such message was ever sent.
    bool found(std::uint64_t number, std::uint32_t queue, std::int64_t offset);
    bool was_found(std::uint64_t number) const {
        return number < entries_.size() && entries_[number].found > 0;
    }

    struct Verdict {
        std::uint64_t acknowledged = 0;
        std::uint64_t lost = 0;        ///< acknowledged and not found
        std::uint64_t duplicated = 0;  ///< found more than once, acknowledged or not
        std::uint64_t moved = 0;       ///< found elsewhere than acknowledged
        std::uint64_t extra = 0;  ///< found though not acknowledged: allowed, the answer died with the server
        std::uint64_t delayed = 0;  ///< of the acknowledged
        void add(const Verdict& other);
        bool good() const { return lost == 0 && duplicated == 0 && moved == 0; }
    };
    Verdict verdict() const;

  private:
    struct Entry {
        std::int64_t sent_ns = 0;
        std::int64_t offset = -1;
        std::uint32_t delay_ms = 0;
        std::uint16_t queue = 0;
        bool acknowledged = false;
        bool moved = false;
        std::uint8_t found = 0;  ///< stops at 255
    };
    std::vector<Entry> entries_;
    std::uint64_t acknowledged_ = 0;
};

}  // namespace posthorn::cli
