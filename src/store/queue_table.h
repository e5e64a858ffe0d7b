#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "model/ids.h"

namespace posthorn::store {

struct Chunk;

/// What the log keeps of one queue for as long as it is open: 48 bytes, whatever the queue holds.
struct QueueState {
    std::uint64_t begin = 0;          ///< first offset that is still in the log
    std::uint64_t end = 0;            ///< next offset to be given
    Chunk* last = nullptr;            ///< newest entries, if their segment is still indexed in memory
    std::uint32_t last_segment = 0;   ///< the number of that segment
    std::uint32_t found_in = 0;       ///< number of the sealed segment the last search ended in
    Chunk* found = nullptr;           ///< where the last search in memory ended,
    std::uint32_t found_segment = 0;  ///< if the segment of this number is still indexed there
};

/// Queue states by queue id. Ids are given in order and never reused, so pages of them come and fill up.
class QueueTable {
  public:
    /// Null for a queue never seen.
    const QueueState* find(model::QueueId queue) const {
        const std::size_t page = queue.value() / page_size;
        return page < pages_.size() && pages_[page] ? &(*pages_[page])[queue.value() % page_size] : nullptr;
    }
    QueueState* find(model::QueueId queue) {
        return const_cast<QueueState*>(static_cast<const QueueTable*>(this)->find(queue));
    }
    QueueState& operator[](model::QueueId queue) {
        const std::size_t page = queue.value() / page_size;
        if (page >= pages_.size()) pages_.resize(page + 1);
        if (!pages_[page]) pages_[page] = std::make_unique<Page>();
        return (*pages_[page])[queue.value() % page_size];
    }
    /// One more than the highest queue that ever held a message.
    std::uint32_t end() const {
        for (std::size_t page = pages_.size(); page-- > 0;) {
            if (!pages_[page]) continue;
            for (std::size_t n = page_size; n-- > 0;)
                if ((*pages_[page])[n].end > 0) return static_cast<std::uint32_t>(page * page_size + n + 1);
        }
        return 0;
    }
    /// In order of queue id, those that ever held a message: `visit(std::uint32_t queue, QueueState&)`.
    template <class Visit>
    void for_each(Visit&& visit) {
        for (std::size_t page = 0; page < pages_.size(); ++page) {
            if (!pages_[page]) continue;
            for (std::size_t n = 0; n < page_size; ++n)
                if (QueueState& state = (*pages_[page])[n]; state.end > 0)
                    visit(static_cast<std::uint32_t>(page * page_size + n), state);
        }
    }

  private:
    static constexpr std::size_t page_size = 512;
    using Page = std::array<QueueState, page_size>;
    std::vector<std::unique_ptr<Page>> pages_;
};

}  // namespace posthorn::store
