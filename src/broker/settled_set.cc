#include "settled_set.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace posthorn::broker {

SettledSet::SettledSet(SettledSet&& other) noexcept {
    *this = std::move(other);
}

SettledSet& SettledSet::operator=(SettledSet&& other) noexcept {
    std::swap(floor_, other.floor_);
    std::swap(top_, other.top_);
    std::swap(first_, other.first_);
    std::swap(head_, other.head_);
    std::swap(chunks_, other.chunks_);
    std::swap(spare_, other.spare_);
    return *this;
}

SettledSet::~SettledSet() {
    for (std::size_t n = head_; n < chunks_.size(); ++n)
        if (chunks_[n] != full()) delete chunks_[n];
}

SettledSet::Chunk* SettledSet::full() {
    static Chunk all;  // only its address is used
    return &all;
}

SettledSet::Chunk* SettledSet::chunk(std::uint64_t number) const {
    const std::uint64_t n = number - first_;
    return number < first_ || n >= chunks_.size() - head_ ? nullptr : chunks_[head_ + n];
}

SettledSet::Chunk*& SettledSet::slot(std::uint64_t number) {
    if (head_ == chunks_.size()) {
        chunks_.clear();
        head_ = 0;
        first_ = floor_ / chunk_bits;
    }
    const std::uint64_t n = number - first_;
    if (n >= chunks_.size() - head_) chunks_.resize(head_ + n + 1);
    return chunks_[head_ + n];
}

SettledSet::Chunk* SettledSet::make_chunk() {
    if (!spare_) return new Chunk;
    *spare_ = Chunk{};
    return spare_.release();
}

void SettledSet::drop_chunk(Chunk* chunk) {
    if (!chunk || chunk == full()) return;
    if (spare_)
        delete chunk;
    else
        spare_.reset(chunk);
}

bool SettledSet::contains(std::uint64_t offset) const {
    if (offset < floor_) return true;
    if (offset >= top_) return false;
    const Chunk* at = chunk(offset / chunk_bits);
    if (!at) return false;
    return at == full() || (at->words[offset % chunk_bits / 64] >> (offset % 64) & 1);
}

bool SettledSet::add(std::uint64_t offset) {
    if (contains(offset)) return false;
    top_ = std::max(top_, offset + 1);
    if (offset == floor_) {
        ++floor_;
        settle_floor();
        return true;
    }
    Chunk*& at = slot(offset / chunk_bits);
    if (!at) at = make_chunk();
    at->words[offset % chunk_bits / 64] |= std::uint64_t{1} << (offset % 64);
    if (++at->count == chunk_bits) {
        drop_chunk(at);
        at = full();
    }
    return true;
}

void SettledSet::add_range(std::uint64_t begin, std::uint64_t end) {
    begin = std::max(begin, floor_);
    if (begin >= end) return;
    if (begin == floor_) {
        raise_floor(end);
        return;
    }
    while (begin < end) {
        if (begin % chunk_bits == 0 && end - begin >= chunk_bits) {
            Chunk*& at = slot(begin / chunk_bits);
            drop_chunk(at);
            at = full();
            begin += chunk_bits;
            top_ = std::max(top_, begin);
        } else {
            add(begin++);
        }
    }
}

/// The floor was raised: it goes on over what is settled already.
void SettledSet::settle_floor() {
    if (floor_ < top_ && contains(floor_)) floor_ = run_end(floor_, true, top_);
    top_ = std::max(top_, floor_);
    drop_below_floor();
}

void SettledSet::drop_below_floor() {
    const std::uint64_t number = floor_ / chunk_bits;
    while (head_ < chunks_.size() && first_ < number) {
        drop_chunk(chunks_[head_]);
        ++head_;
        ++first_;
    }
    if (head_ == chunks_.size()) {
        chunks_.clear();
        head_ = 0;
        first_ = number;
    } else if (head_ > 64 && head_ > chunks_.size() / 2) {
        chunks_.erase(chunks_.begin(), chunks_.begin() + static_cast<std::ptrdiff_t>(head_));
        head_ = 0;
    }
}

void SettledSet::raise_floor(std::uint64_t floor) {
    if (floor <= floor_) return;
    floor_ = floor;
    settle_floor();
}

void SettledSet::cut(std::uint64_t end) {
    if (end >= top_) return;
    if (end <= floor_) {
        *this = SettledSet();
        floor_ = top_ = end;
        return;
    }
    SettledSet kept;
    kept.floor_ = kept.top_ = floor_;
    each_range([&](std::uint64_t from, std::uint64_t to) { kept.add_range(from, std::min(to, end)); });
    *this = std::move(kept);
}

/// Where the run of (un)settled offsets that `offset` belongs to ends; at most `limit`.
std::uint64_t SettledSet::run_end(std::uint64_t offset, bool settled, std::uint64_t limit) const {
    while (offset < limit) {
        const Chunk* at = chunk(offset / chunk_bits);
        if (!at || at == full()) {
            if ((at != nullptr) != settled) return offset;
            offset = (offset / chunk_bits + 1) * chunk_bits;
            continue;
        }
        std::uint64_t word = at->words[offset % chunk_bits / 64];
        if (settled) word = ~word;
        word >>= offset % 64;
        if (word) return std::min(limit, offset + static_cast<std::uint64_t>(std::countr_zero(word)));
        offset = (offset / 64 + 1) * 64;
    }
    return limit;
}

void SettledSet::each_range(const std::function<void(std::uint64_t, std::uint64_t)>& visit) const {
    std::uint64_t at = floor_;
    while (at < top_) {
        const std::uint64_t begin = run_end(at, false, top_);
        if (begin == top_) return;
        at = run_end(begin, true, top_);
        visit(begin, at);
    }
}

void SettledSet::each_piece(
    const std::function<void(std::uint64_t, std::uint64_t)>& run,
    const std::function<void(std::uint64_t, std::span<const std::uint64_t>)>& bits) const {
    for (std::uint64_t at = floor_ / chunk_bits * chunk_bits; at < top_;) {
        const Chunk* chunk = this->chunk(at / chunk_bits);
        const std::uint64_t begin = at;
        for (; chunk == full() && at < top_; chunk = this->chunk(at / chunk_bits))
            at += chunk_bits;
        if (at > begin) {
            run(begin, at);
            continue;
        }
        if (chunk) bits(at, chunk->words);
        at += chunk_bits;
    }
}

void SettledSet::each_gap(std::uint64_t end, const std::function<void(std::uint64_t)>& visit) const {
    std::uint64_t at = floor_;
    while (at < end) {
        const std::uint64_t gap_end = at < top_ ? run_end(at, false, std::min(top_, end)) : end;
        const std::uint64_t stop = gap_end == top_ ? end : gap_end;
        for (; at < stop; ++at)
            visit(at);
        if (at < end) at = run_end(at, true, std::min(top_, end));
    }
}

}  // namespace posthorn::broker
