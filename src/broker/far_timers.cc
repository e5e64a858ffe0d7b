#include "far_timers.h"

#include <algorithm>

namespace posthorn::broker {

std::int64_t& FarTimers::earliest(std::uint64_t stretch) {
    if (earliest_.empty()) first_ = stretch;
    for (; stretch < first_; --first_)
        earliest_.push_front(nothing);
    if (stretch >= first_ + earliest_.size()) earliest_.resize(stretch - first_ + 1, nothing);
    return earliest_[stretch - first_];
}

void FarTimers::unknown(std::uint64_t begin, std::uint64_t end) {
    for (; begin < end; begin = stretch_end(begin))
        add(begin, std::numeric_limits<std::int64_t>::min());
}

void FarTimers::add(std::uint64_t offset, std::int64_t due_ms) {
    std::int64_t& earliest = this->earliest(offset / stretch_offsets_);
    earliest = std::min(earliest, due_ms);
}

std::uint64_t FarTimers::skip(std::uint64_t offset, std::int64_t until_ms, std::uint64_t end) const {
    for (; offset < end; offset = stretch_end(offset)) {
        const std::uint64_t stretch = offset / stretch_offsets_;
        if (stretch >= first_ && stretch - first_ < earliest_.size() &&
            earliest_[stretch - first_] < until_ms)
            return offset;
    }
    return end;
}

void FarTimers::forget(std::uint64_t offset) {
    earliest(offset / stretch_offsets_) = nothing;
}

void FarTimers::drop_below(std::uint64_t offset) {
    for (; !earliest_.empty() && first_ < offset / stretch_offsets_; ++first_)
        earliest_.pop_front();
}

}  // namespace posthorn::broker
