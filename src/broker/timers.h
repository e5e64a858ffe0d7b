#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace posthorn::broker {

/// Which delayed message is due when: wall milliseconds to offsets in the timer queue, in the order of due
/// time, then offset.
///
/// A heap with four children per node rather than a wheel: it keeps the exact order for nothing, has no
/// limit on the delay and no work on idle ticks, and costs 16 bytes per waiting message in chunks that never
/// move (a doubling array would stop the engine to copy). Adding is close to constant, because most delays
/// are longer than those before; removing the first touches a cache line or two per level.
class Timers {
  public:
    struct Timer {
        std::int64_t due_ms;
        std::uint64_t offset;
        bool operator<(const Timer& other) const {
            return due_ms != other.due_ms ? due_ms < other.due_ms : offset < other.offset;
        }
        bool operator==(const Timer&) const = default;
    };

    bool empty() const { return size_ == 0; }
    std::size_t size() const { return size_; }
    const Timer& first() const { return at(0); }  ///< not when empty

    void add(Timer timer);
    void remove_first();
    /// Removes all that are due at `due_ms` or later, in no order. Looks at every one.
    void remove_from(std::int64_t due_ms, const std::function<void(const Timer&)>& removed);

  private:
    static constexpr std::size_t chunk_items = 4096;
    struct Chunk {
        Timer items[chunk_items];
    };

    void sink(std::size_t hole, Timer timer);
    void drop_empty_chunks();
    Timer& at(std::size_t n) { return chunks_[n / chunk_items]->items[n % chunk_items]; }
    const Timer& at(std::size_t n) const { return chunks_[n / chunk_items]->items[n % chunk_items]; }

    std::vector<std::unique_ptr<Chunk>> chunks_;
    std::size_t size_ = 0;
};

}  // namespace posthorn::broker
