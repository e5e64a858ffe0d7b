#include "reader_state.h"

#include <algorithm>

#include "base/check.h"

namespace posthorn::broker {

std::optional<std::uint64_t> ReaderState::next(std::uint64_t end) {
    while (!ready_again_.empty()) {
        const std::uint64_t offset = ready_again_.front();
        const Entry* entry = taken_.find(offset);
        if (entry && entry->where == Where::returned) return offset;
        std::pop_heap(ready_again_.begin(), ready_again_.end(), std::greater<>());
        ready_again_.pop_back();
    }
    for (; gaps_ahead_ > 0 && settled_.contains(cursor_); ++cursor_)
        --gaps_ahead_;
    if (cursor_ < end) return cursor_;
    return std::nullopt;
}

std::uint32_t ReaderState::take(std::uint64_t offset, std::int64_t deadline) {
    ++in_flight_;
    if (offset == cursor_) {
        ++cursor_;
        taken_.insert({offset, deadline, 1, Where::in_flight});
        return 1;
    }
    Entry* entry = taken_.find(offset);
    POSTHORN_CHECK(entry && entry->where == Where::returned, "taking a message that is not ready");
    --returned_;
    entry->where = Where::in_flight;
    entry->deadline = deadline;
    return ++entry->attempts;
}

std::uint32_t ReaderState::attempt(std::uint64_t offset) {
    const Entry* entry = offset == cursor_ ? nullptr : taken_.find(offset);
    return entry ? entry->attempts + 1 : 1;
}

void ReaderState::pass(std::uint64_t offset) {
    if (offset == cursor_)
        pass_to(offset + 1);
    else
        settle(offset);
}

void ReaderState::pass_to(std::uint64_t end) {
    if (end == cursor_ + 1)
        settled_.add(cursor_);
    else
        settled_.add_range(cursor_, end);
    cursor_ = end;
    if (gaps_ahead_ > 0) count_gaps();
}

bool ReaderState::settle(std::uint64_t offset) {
    Entry* entry = taken_.find(offset);
    if (!entry) return false;
    switch (entry->where) {
        case Where::in_flight:
            --in_flight_;
            break;
        case Where::returned:
            --returned_;
            break;
        case Where::delayed:
            --delayed_;
            break;
    }
    taken_.erase(entry);
    settled_.add(offset);
    return true;
}

void ReaderState::push_returned(Entry& entry) {
    entry.where = Where::returned;
    entry.deadline = 0;
    ++returned_;
    // Settled or taken ones that were not at the top stay behind in the heap: sweep when they are many.
    if (ready_again_.size() > 2 * returned_ + 1024) {
        std::erase_if(ready_again_, [&](std::uint64_t offset) {
            const Entry* other = taken_.find(offset);
            return !other || other->where != Where::returned || other->offset == entry.offset;
        });
        std::sort(ready_again_.begin(), ready_again_.end());
        ready_again_.erase(std::unique(ready_again_.begin(), ready_again_.end()), ready_again_.end());
    }
    ready_again_.push_back(entry.offset);
    std::push_heap(ready_again_.begin(), ready_again_.end(), std::greater<>());
}

bool ReaderState::give_back(std::uint64_t offset, std::int64_t ready_at) {
    Entry* entry = taken_.find(offset);
    if (!entry || entry->where != Where::in_flight) return false;
    --in_flight_;
    if (ready_at == at_once) {
        push_returned(*entry);
    } else {
        entry->where = Where::delayed;
        entry->deadline = ready_at;
        ++delayed_;
    }
    return true;
}

bool ReaderState::extend(std::uint64_t offset, std::int64_t deadline) {
    Entry* entry = taken_.find(offset);
    if (!entry || entry->where != Where::in_flight) return false;
    entry->deadline = deadline;
    return true;
}

bool ReaderState::awaits(std::uint64_t offset, std::int64_t deadline) {
    const Entry* entry = taken_.find(offset);
    return entry && entry->where != Where::returned && entry->deadline == deadline;
}

bool ReaderState::run_out(std::uint64_t offset, std::int64_t deadline) {
    Entry* entry = taken_.find(offset);
    if (!entry || entry->where == Where::returned || entry->deadline != deadline) return false;
    --(entry->where == Where::in_flight ? in_flight_ : delayed_);
    push_returned(*entry);
    return true;
}

void ReaderState::forget_below(std::uint64_t begin) {
    if (begin <= settled_.floor()) return;
    std::vector<std::uint64_t> gone;
    taken_.each([&](const Entry& entry) {
        if (entry.offset < begin) gone.push_back(entry.offset);
    });
    for (const std::uint64_t offset : gone)
        settle(offset);
    settled_.raise_floor(begin);
    cursor_ = std::max(cursor_, begin);
    count_gaps();
}

void ReaderState::count_gaps() {
    gaps_ahead_ = settled_.floor() > cursor_ ? settled_.floor() - cursor_ : 0;
    settled_.each_range([&](std::uint64_t from, std::uint64_t to) {
        if (to > cursor_) gaps_ahead_ += to - std::max(from, cursor_);
    });
}

std::optional<ReaderState::Return> ReaderState::find_return(std::uint64_t offset) {
    const Entry* entry = taken_.find(offset);
    if (!entry) return std::nullopt;
    return Return{offset, entry->attempts, entry->where == Where::delayed ? entry->deadline : at_once};
}

void ReaderState::each_return(const std::function<void(const Return&)>& visit) {
    taken_.each([&](const Entry& entry) {
        visit({entry.offset, entry.attempts, entry.where == Where::delayed ? entry.deadline : at_once});
    });
}

// --- coming back -------------------------------------------------------------------------------------------

void ReaderState::restore_settled(std::uint64_t begin, std::uint64_t end) {
    settled_.add_range(begin, end);
    restore_cursor(end);
}

void ReaderState::restore_cursor(std::uint64_t cursor) {
    cursor_ = std::max(cursor_, cursor);
}

void ReaderState::restore_return(const Return& note) {
    restore_cursor(note.offset + 1);
    Entry* entry = taken_.find(note.offset);
    if (!entry) entry = taken_.insert({note.offset, 0, 0, Where::in_flight});
    entry->attempts = std::max(note.attempts, 1u);
    entry->deadline = note.ready_at;
}

bool ReaderState::restored(std::uint64_t end) {
    const bool cut = cursor_ > end;
    if (cut) {
        settled_.cut(end);
        cursor_ = end;
    }
    count_gaps();
    OffsetTable<Entry> noted;
    std::swap(noted, taken_);
    settled_.each_gap(cursor_, [&](std::uint64_t offset) {
        const Entry* note = noted.find(offset);
        Entry& entry = *taken_.insert({offset, 0, note ? note->attempts : 1, Where::returned});
        if (note && note->deadline != at_once) {
            entry.where = Where::delayed;
            entry.deadline = note->deadline;
            ++delayed_;
        } else {
            push_returned(entry);
        }
    });
    return cut;
}

}  // namespace posthorn::broker
