#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace posthorn::gateway::amqp {

/// Names something without keeping it alive: what waits for the disk holds one. 0 generation is nobody.
struct Handle {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;
    bool operator==(const Handle&) const = default;
};

template <class Thing>
class Handles {
  public:
    Handle add(Thing& thing) {
        if (free_.empty()) {
            free_.push_back(static_cast<std::uint32_t>(slots_.size()));
            slots_.emplace_back();
        }
        const std::uint32_t slot = free_.back();
        free_.pop_back();
        slots_[slot].thing = &thing;
        ++size_;
        return {slot, slots_[slot].generation};
    }
    void remove(Handle handle) {
        Slot& slot = slots_[handle.slot];
        slot.thing = nullptr;
        ++slot.generation;
        free_.push_back(handle.slot);
        --size_;
    }
    Thing* find(Handle handle) const {
        if (handle.slot >= slots_.size()) return nullptr;
        const Slot& slot = slots_[handle.slot];
        return slot.generation == handle.generation ? slot.thing : nullptr;
    }
    std::size_t size() const { return size_; }
    template <class Visit>
    void each(Visit visit) const {
        for (std::size_t n = 0; n < slots_.size(); ++n)
            if (Thing* const thing = slots_[n].thing) visit(*thing);
    }

  private:
    struct Slot {
        Thing* thing = nullptr;
        std::uint32_t generation = 1;
    };
    std::vector<Slot> slots_;
    std::vector<std::uint32_t> free_;
    std::size_t size_ = 0;
};

}  // namespace posthorn::gateway::amqp
