#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/check.h"
#include "store/log.h"

namespace posthorn::store {

/// Where the volatile messages of every queue lie: a position of 8 bytes per message and queue, in pages of
/// 64 neighbouring offsets. A page lives from its first message to the release of its last; pages are kept
/// for the next taker, so a queue that is filled and drained asks the heap for nothing.
class VolatileIndex {
  public:
    VolatileIndex() = default;
    ~VolatileIndex();
    VolatileIndex(const VolatileIndex&) = delete;
    VolatileIndex& operator=(const VolatileIndex&) = delete;

    /// `offset` is at or behind the end of the queue.
    void add(model::QueueId queue, std::uint64_t offset, std::uint64_t position) {
        Queue& at = make(queue);
        POSTHORN_CHECK(offset >= at.end, "a volatile message in front of an older one");
        Page* page = at.page(offset / page_rows);
        if (!page) [[unlikely]]
            page = &start_page(at, offset / page_rows);
        page->held |= std::uint64_t{1} << (offset % page_rows);
        page->rows[offset % page_rows] = position;
        at.end = offset + 1;
        ++at.held;
    }
    /// 0 if nothing is held there.
    std::uint64_t find(model::QueueId queue, std::uint64_t offset) const {
        const Queue* at = queue_at(queue);
        const Page* page = at ? at->page(offset / page_rows) : nullptr;
        return page && (page->held >> (offset % page_rows) & 1) ? page->rows[offset % page_rows] : 0;
    }
    /// The position that was there; 0 if nothing was.
    std::uint64_t remove(model::QueueId queue, std::uint64_t offset) {
        Queue* at = queue_at(queue);
        Page* page = at ? at->page(offset / page_rows) : nullptr;
        const std::uint64_t bit = std::uint64_t{1} << (offset % page_rows);
        if (!page || !(page->held & bit)) return 0;
        page->held &= ~bit;
        --at->held;
        const std::uint64_t position = page->rows[offset % page_rows];
        if (page->held == 0) end_page(*at, offset / page_rows);
        return position;
    }
    /// First held offset at `from` or later.
    std::optional<std::uint64_t> next(model::QueueId queue, std::uint64_t from) const;
    Range range(model::QueueId queue) const;
    std::uint64_t end(model::QueueId queue) const {
        const Queue* at = queue_at(queue);
        return at ? at->end : 0;
    }
    std::uint64_t held(model::QueueId queue) const {
        const Queue* at = queue_at(queue);
        return at ? at->held : 0;
    }
    /// Removes the queue; `gone(position)` for each message it held.
    template <class Gone>
    void forget(model::QueueId queue, Gone&& gone) {
        Queue* at = queue_at(queue);
        if (!at) return;
        for (std::size_t n = at->head; n < at->pages.size(); ++n) {
            Page* page = at->pages[n];
            if (!page) continue;
            for (std::uint64_t held = page->held; held != 0; held &= held - 1)
                gone(page->rows[static_cast<std::size_t>(std::countr_zero(held))]);
            give_back(page);
        }
        links_ -= at->pages.size() - at->head;
        queues_[queue.value()].reset();
    }
    std::uint64_t bytes() const { return pages_ * sizeof(Page) + links_ * sizeof(Page*); }

  private:
    static constexpr std::uint64_t page_rows = 64;
    static constexpr std::size_t spare_most = 1024;  ///< half a MiB; more goes back to the heap

    struct Page {
        std::uint64_t held;  ///< a bit for each row that means something
        std::array<std::uint64_t, page_rows> rows;
    };
    struct Queue {
        std::uint64_t end = 0;    ///< after the last offset ever added
        std::uint64_t held = 0;   ///< messages
        std::uint64_t first = 0;  ///< number (offset / 64) of pages[head]
        std::size_t head = 0;
        std::vector<Page*> pages;  ///< null where nothing is held

        Page* page(std::uint64_t number) const {
            const std::uint64_t n = number - first;
            return number >= first && n < pages.size() - head ? pages[head + n] : nullptr;
        }
    };

    const Queue* queue_at(model::QueueId queue) const {
        return queue.value() < queues_.size() ? queues_[queue.value()].get() : nullptr;
    }
    Queue* queue_at(model::QueueId queue) {
        return queue.value() < queues_.size() ? queues_[queue.value()].get() : nullptr;
    }
    Queue& make(model::QueueId queue) {
        if (queue.value() >= queues_.size()) [[unlikely]]
            queues_.resize(queue.value() + 1);
        if (!queues_[queue.value()]) [[unlikely]]
            queues_[queue.value()] = std::make_unique<Queue>();
        return *queues_[queue.value()];
    }
    Page& start_page(Queue& queue, std::uint64_t number);
    void end_page(Queue& queue, std::uint64_t number);
    void give_back(Page* page);

    std::vector<std::unique_ptr<Queue>> queues_;
    std::vector<Page*> spare_;
    std::uint64_t pages_ = 0;  ///< in use
    std::uint64_t links_ = 0;  ///< to pages, in all queues
};

}  // namespace posthorn::store
