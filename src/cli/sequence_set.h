#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace posthorn::cli {

/// Which sequences of a run have arrived: a bit each.
class SequenceSet {
  public:
    void note(std::uint64_t sequence) {
        if (sequence >= kMost) return;
        if (sequence >= seen_.size()) seen_.resize(std::max<std::size_t>(sequence + 1, seen_.size() * 2));
        ++(seen_[sequence] ? twice_ : once_);
        seen_[sequence] = true;
    }
    std::uint64_t once() const { return once_; }    ///< different ones
    std::uint64_t twice() const { return twice_; }  ///< arrivals of one that was here before

  private:
    static constexpr std::uint64_t kMost = std::uint64_t{1} << 36;  // no run gets there: a stamp that lies

    std::vector<bool> seen_;
    std::uint64_t once_ = 0, twice_ = 0;
};

}  // namespace posthorn::cli
