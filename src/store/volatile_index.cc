#include "volatile_index.h"

namespace posthorn::store {

VolatileIndex::~VolatileIndex() {
    for (std::size_t n = 0; n < queues_.size(); ++n)
        forget(model::QueueId(static_cast<std::uint32_t>(n)), [](std::uint64_t) {});
    for (Page* page : spare_)
        delete page;
}

VolatileIndex::Page& VolatileIndex::start_page(Queue& queue, std::uint64_t number) {
    if (queue.pages.size() == queue.head) {
        queue.pages.clear();
        queue.head = 0;
        queue.first = number;
    }
    Page* page;
    if (spare_.empty()) {
        page = new Page;
    } else {
        page = spare_.back();
        spare_.pop_back();
    }
    page->held = 0;
    ++pages_;
    links_ += queue.head + (number - queue.first) + 1 - queue.pages.size();
    queue.pages.resize(queue.head + (number - queue.first) + 1);
    queue.pages.back() = page;
    return *page;
}

void VolatileIndex::end_page(Queue& queue, std::uint64_t number) {
    Page*& page = queue.pages[queue.head + (number - queue.first)];
    give_back(page);
    page = nullptr;
    while (queue.pages.size() > queue.head && !queue.pages.back())
        queue.pages.pop_back(), --links_;
    while (queue.head < queue.pages.size() && !queue.pages[queue.head])
        ++queue.head, ++queue.first, --links_;
    if (queue.head > 64 && queue.head > queue.pages.size() / 2) {
        queue.pages.erase(queue.pages.begin(), queue.pages.begin() + static_cast<std::ptrdiff_t>(queue.head));
        queue.head = 0;
    }
}

void VolatileIndex::give_back(Page* page) {
    --pages_;
    if (spare_.size() < spare_most)
        spare_.push_back(page);
    else
        delete page;
}

std::optional<std::uint64_t> VolatileIndex::next(model::QueueId queue, std::uint64_t from) const {
    const Queue* at = queue_at(queue);
    if (!at || at->held == 0 || from >= at->end) return std::nullopt;
    std::uint64_t number = from / page_rows;
    std::uint64_t mask = ~std::uint64_t{0} << (from % page_rows);
    if (number < at->first) {
        number = at->first;
        mask = ~std::uint64_t{0};
    }
    for (; number - at->first < at->pages.size() - at->head; ++number, mask = ~std::uint64_t{0}) {
        const Page* page = at->page(number);
        if (page && (page->held & mask))
            return number * page_rows + static_cast<std::uint64_t>(std::countr_zero(page->held & mask));
    }
    return std::nullopt;
}

Range VolatileIndex::range(model::QueueId queue) const {
    const Queue* at = queue_at(queue);
    if (!at) return {};
    return {model::QueueOffset(next(queue, 0).value_or(at->end)), model::QueueOffset(at->end)};
}

}  // namespace posthorn::store
