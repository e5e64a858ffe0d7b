#include "sim_inode.h"

#include <algorithm>
#include <cstring>
#include <map>

namespace posthorn::env {

namespace {

struct Overlap {
    std::size_t in_page;
    std::size_t in_range;
    std::size_t size;
};

/// Where page `index` and [offset, offset + size) meet.
Overlap overlap(std::uint64_t index, std::uint64_t offset, std::uint64_t size) {
    const std::uint64_t page_begin = index * SimInode::page_size;
    const std::uint64_t begin = std::max(page_begin, offset);
    const std::uint64_t end = std::min(page_begin + SimInode::page_size, offset + size);
    if (begin >= end) return {0, 0, 0};
    return {begin - page_begin, begin - offset, end - begin};
}

}  // namespace

CutStyle CutStyle::draw(Random& random) {
    CutStyle style;
    const std::uint64_t kind = random.below(10);
    style.keep = kind == 0 ? nothing : kind == 1 ? everything : mixed;
    style.tear = style.keep == mixed && random.chance(0.6) ? 0.3 : 0;
    return style;
}

std::size_t CutStyle::reached(Random& random, std::size_t count) const {
    if (keep == nothing) return 0;
    if (keep == everything) return count;
    return random.below(count + 1);
}

SimInode::Page& SimInode::own_page(Pages& pages, std::uint64_t index) {
    if (pages.size() <= index) pages.resize(index + 1);
    auto& page = pages[index];
    if (!page)
        page = std::make_shared<Page>();
    else if (page.use_count() > 1)
        page = std::make_shared<Page>(*page);
    return *page;
}

void SimInode::zero_from(Pages& pages, std::uint64_t offset) {
    const std::uint64_t whole = pages_for(offset);
    if (pages.size() > whole) pages.resize(whole);
    const std::size_t inside = offset % page_size;
    if (inside == 0 || pages.size() < whole || !pages[whole - 1]) return;
    Page& page = own_page(pages, whole - 1);
    std::fill(page.begin() + static_cast<std::ptrdiff_t>(inside), page.end(), std::byte{0});
}

void SimInode::set_size(std::uint64_t size) {
    if (size == size_) return;
    size_ = size;
    lengths_.push_back(size);
}

void SimInode::recount() {
    charged_ = reserved_;
    for (std::uint64_t i = reserved_; i < cache_.size(); ++i)
        charged_ += cache_[i] != nullptr;
}

std::uint64_t SimInode::fitting(std::uint64_t offset, std::uint64_t size, std::uint64_t free_pages) const {
    for (std::uint64_t i = offset / page_size; i < pages_for(offset + size); ++i) {
        if (i < reserved_ || (i < cache_.size() && cache_[i])) continue;
        if (free_pages-- == 0) return std::max(i * page_size, offset) - offset;
    }
    return size;
}

std::uint64_t SimInode::missing_for(std::uint64_t size) const {
    std::uint64_t missing = 0;
    for (std::uint64_t i = reserved_; i < pages_for(size); ++i)
        missing += i >= cache_.size() || !cache_[i];
    return missing;
}

void SimInode::write(std::uint64_t offset, std::span<const Bytes> pieces, std::uint64_t limit) {
    if (limit == 0) return;
    const std::size_t journal_at = journal_.size();
    std::uint64_t left = limit;
    for (const Bytes piece : pieces) {
        journal_.append(piece.first(std::min<std::uint64_t>(piece.size(), left)));
        left -= std::min<std::uint64_t>(piece.size(), left);
    }
    changes_.push_back({Change::written, offset, limit, journal_at, 0});
    for (std::uint64_t i = offset / page_size; i < pages_for(offset + limit); ++i) {
        const Overlap part = overlap(i, offset, limit);
        if (i >= reserved_ && (i >= cache_.size() || !cache_[i])) ++charged_;
        std::memcpy(own_page(cache_, i).data() + part.in_page, journal_.data() + journal_at + part.in_range,
                    part.size);
    }
    if (offset + limit > size_) set_size(offset + limit);
}

std::size_t SimInode::read(std::uint64_t offset, std::span<std::byte> into) const {
    if (offset >= size_) return 0;
    const std::size_t size = std::min<std::uint64_t>(into.size(), size_ - offset);
    for (std::uint64_t i = offset / page_size; i < pages_for(offset + size); ++i) {
        const Overlap part = overlap(i, offset, size);
        if (i < cache_.size() && cache_[i])
            std::memcpy(into.data() + part.in_range, cache_[i]->data() + part.in_page, part.size);
        else
            std::memset(into.data() + part.in_range, 0, part.size);
    }
    return size;
}

std::uint64_t SimInode::next_written(std::uint64_t offset) const {
    std::uint64_t page = offset / page_size;
    while (page < cache_.size() && !cache_[page])
        ++page;
    return page < cache_.size() ? std::max(offset, page * page_size) : std::max(offset, size_);
}

void SimInode::reserve(std::uint64_t size) {
    reserved_ = std::max(reserved_, pages_for(size));
    recount();
    if (size > size_) set_size(size);
}

void SimInode::truncate(std::uint64_t size) {
    if (size < size_) {
        changes_.push_back({Change::shortened, size, 0, 0, lengths_.size()});
        zero_from(cache_, size);
        reserved_ = std::min(reserved_, pages_for(size));
        recount();
    }
    set_size(size);
}

std::uint64_t SimInode::end_page(const Change& change) const {
    if (change.kind == Change::written) return pages_for(change.offset + change.size);
    return std::max(cache_.size(), disk_.size());
}

std::vector<std::uint64_t> SimInode::dirty_pages() const {
    std::vector<std::uint64_t> pages;
    for (const Change& change : changes_) {
        for (std::uint64_t i = change.offset / page_size; i < end_page(change); ++i)
            pages.push_back(i);
    }
    std::sort(pages.begin(), pages.end());
    pages.erase(std::unique(pages.begin(), pages.end()), pages.end());
    return pages;
}

void SimInode::forget_changes() {
    changes_.clear();
    lengths_.clear();
    journal_.clear();
    if (journal_.capacity() > (std::size_t{1} << 20)) journal_.release();
}

void SimInode::sync() {
    for (const std::uint64_t i : dirty_pages()) {
        if (disk_.size() <= i) disk_.resize(i + 1);
        disk_[i] = i < cache_.size() ? cache_[i] : nullptr;
    }
    disk_size_ = size_;
    zero_from(disk_, disk_size_);
    forget_changes();
}

void SimInode::failed_sync(Random& random) {
    for (const std::uint64_t i : dirty_pages()) {
        if (random.chance(0.5)) continue;
        if (disk_.size() <= i) disk_.resize(i + 1);
        disk_[i] = i < cache_.size() ? cache_[i] : nullptr;
    }
    if (random.chance(0.5)) disk_size_ = size_;
    zero_from(disk_, disk_size_);
    forget_changes();
}

std::uint64_t SimInode::survive_length(Random& random, const CutStyle& style,
                                       std::size_t& lengths_kept) const {
    lengths_kept = style.reached(random, lengths_.size());
    std::uint64_t length = lengths_kept == 0 ? disk_size_ : lengths_[lengths_kept - 1];
    // Part of a growing write: the length on disk moves page by page.
    if (lengths_kept < lengths_.size() && style.keep == CutStyle::mixed && random.chance(0.3)) {
        const std::uint64_t next = lengths_[lengths_kept];
        const std::uint64_t first = pages_for(length + 1);
        if (first * page_size < next) length = random.between(first, (next - 1) / page_size) * page_size;
    }
    return length;
}

SimInode::Page SimInode::replay(std::uint64_t index, std::span<const std::size_t> changes, std::size_t writes,
                                std::size_t lengths_kept) const {
    Page page{};
    if (index < disk_.size() && disk_[index]) page = *disk_[index];
    for (const std::size_t number : changes) {
        const Change& change = changes_[number];
        if (change.kind == Change::shortened) {
            if (change.lengths_before >= lengths_kept) continue;
            const Overlap part = overlap(index, change.offset, ~std::uint64_t{0} - change.offset);
            std::memset(page.data() + part.in_page, 0, part.size);
        } else if (writes > 0) {
            --writes;
            const Overlap part = overlap(index, change.offset, change.size);
            std::memcpy(page.data() + part.in_page, journal_.data() + change.journal_at + part.in_range,
                        part.size);
        }
    }
    return page;
}

std::shared_ptr<SimInode::Page> SimInode::survive_page(std::uint64_t index,
                                                       std::span<const std::size_t> changes,
                                                       std::size_t lengths_kept, Random& random,
                                                       const CutStyle& style) const {
    const auto total =
        static_cast<std::size_t>(std::count_if(changes.begin(), changes.end(), [&](std::size_t number) {
            return changes_[number].kind == Change::written;
        }));
    const std::size_t reached = style.reached(random, total);
    auto page = std::make_shared<Page>(replay(index, changes, reached, lengths_kept));
    if (reached == total || !random.chance(style.tear)) return page;
    const Page newer = replay(index, changes, random.between(reached + 1, total), lengths_kept);
    for (std::size_t at = 0; at < page_size; at += sector_size) {
        if (random.chance(0.5)) std::memcpy(page->data() + at, newer.data() + at, sector_size);
    }
    return page;
}

void SimInode::power_cut(Random& random, const CutStyle& style) {
    std::size_t lengths_kept = 0;
    const std::uint64_t length = survive_length(random, style, lengths_kept);
    std::map<std::uint64_t, std::vector<std::size_t>> touched;
    for (std::size_t number = 0; number < changes_.size(); ++number) {
        const Change& change = changes_[number];
        for (std::uint64_t i = change.offset / page_size; i < end_page(change); ++i)
            touched[i].push_back(number);
    }
    for (const auto& [index, changes] : touched) {
        auto page = survive_page(index, changes, lengths_kept, random, style);
        if (disk_.size() <= index) disk_.resize(index + 1);
        disk_[index] = std::move(page);
    }
    disk_size_ = length;
    zero_from(disk_, length);
    forget_changes();
    cache_ = disk_;
    size_ = disk_size_;
    reserved_ = std::min(reserved_, pages_for(size_));
    recount();
}

void SimInode::flip_bit(std::uint64_t offset, unsigned bit) {
    for (Pages* pages : {&cache_, &disk_}) {
        if (offset / page_size >= pages->size()) continue;
        own_page(*pages, offset / page_size)[offset % page_size] ^= std::byte{1} << (bit % 8);
    }
}

}  // namespace posthorn::env
