#include "file_space.h"

#include <algorithm>
#include <iterator>

namespace posthorn::store {

std::uint64_t FileSpace::take(std::uint64_t size) {
    used_ += size;
    const auto gap =
        std::find_if(gaps_.begin(), gaps_.end(), [&](const auto& g) { return g.second >= size; });
    if (gap == gaps_.end()) {
        end_ += size;
        return end_ - size;
    }
    const auto [at, room] = *gap;
    gaps_.erase(gap);
    if (room > size) gaps_.emplace(at + size, room - size);
    return at;
}

void FileSpace::give(std::uint64_t at, std::uint64_t size) {
    used_ -= size;
    auto after = gaps_.lower_bound(at);
    if (after != gaps_.end() && after->first == at + size) {
        size += after->second;
        after = gaps_.erase(after);
    }
    if (after != gaps_.begin()) {
        const auto before = std::prev(after);
        if (before->first + before->second == at) {
            at = before->first;
            size += before->second;
            gaps_.erase(before);
        }
    }
    if (at + size == end_)
        end_ = at;
    else
        gaps_.emplace(at, size);
}

}  // namespace posthorn::store
