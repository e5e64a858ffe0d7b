#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace posthorn::broker {

/// When leases run out and delayed returns come back: steady milliseconds to (reader, offset), over all
/// readers. A plain binary heap; what was settled early is not looked for but found stale when its time
/// comes, and swept out together when the stale ones are the majority, so memory follows what is alive.
class Deadlines {
  public:
    struct Deadline {
        std::int64_t at_ms;
        std::uint64_t offset;
        std::uint32_t reader;
    };

    bool empty() const { return heap_.empty(); }
    std::size_t size() const { return heap_.size(); }
    const Deadline& first() const { return heap_.front(); }

    void add(Deadline deadline) {
        heap_.push_back(deadline);
        std::push_heap(heap_.begin(), heap_.end(), later);
    }
    void remove_first() {
        std::pop_heap(heap_.begin(), heap_.end(), later);
        heap_.pop_back();
    }

    /// Sweeps when the heap has doubled since the last time; `alive(deadline)` is asked for each.
    template <class Alive>
    void sweep(Alive&& alive) {
        if (heap_.size() < sweep_at_) return;
        std::erase_if(heap_, [&](const Deadline& deadline) { return !alive(deadline); });
        std::make_heap(heap_.begin(), heap_.end(), later);
        sweep_at_ = 2 * heap_.size() + 4096;
    }

  private:
    static bool later(const Deadline& a, const Deadline& b) { return a.at_ms > b.at_ms; }
    std::vector<Deadline> heap_;
    std::size_t sweep_at_ = 4096;
};

}  // namespace posthorn::broker
