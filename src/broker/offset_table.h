#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

namespace posthorn::broker {

/// Open addressing from offset to a small value. Four offsets that follow each other are neighbours; more
/// would make long runs, which erasing has to walk. Grows by doubling, gives memory back when nearly empty,
/// and allocates nothing else. `T` has a member `std::uint64_t offset`; pointers are good until the next
/// insert or erase.
template <class T>
class OffsetTable {
  public:
    static constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();

    std::size_t size() const { return size_; }

    T* find(std::uint64_t offset) {
        if (slots_.empty()) return nullptr;
        for (std::size_t at = home(offset);; at = next(at)) {
            if (slots_[at].offset == offset) return &slots_[at];
            if (slots_[at].offset == none) return nullptr;
        }
    }

    /// The offset must not be there.
    T* insert(const T& value) {
        if ((size_ + 1) * 2 > slots_.size()) resize(slots_.empty() ? 16 : slots_.size() * 2);
        ++size_;
        return place(value);
    }

    void erase(T* value) {
        // Closes the gap: whoever stands behind it and would rather be here moves up.
        std::size_t gap = static_cast<std::size_t>(value - slots_.data());
        for (std::size_t at = next(gap); slots_[at].offset != none; at = next(at)) {
            const std::size_t wanted = home(slots_[at].offset);
            if (((at - wanted) & mask()) >= ((at - gap) & mask())) {
                slots_[gap] = slots_[at];
                gap = at;
            }
        }
        slots_[gap].offset = none;
        --size_;
        if (slots_.size() > 4096 && size_ * 16 < slots_.size()) resize(slots_.size() / 4);
    }

    template <class Visit>
    void each(Visit&& visit) {
        for (T& slot : slots_)
            if (slot.offset != none) visit(slot);
    }

  private:
    std::size_t mask() const { return slots_.size() - 1; }
    std::size_t next(std::size_t at) const { return (at + 1) & mask(); }
    std::size_t home(std::uint64_t offset) const {
        return ((((offset >> 2) * 0x9e3779b97f4a7c15u) >> 32 << 2) | (offset & 3)) & mask();
    }

    T* place(const T& value) {
        std::size_t at = home(value.offset);
        while (slots_[at].offset != none)
            at = next(at);
        slots_[at] = value;
        return &slots_[at];
    }

    void resize(std::size_t slots) {
        T empty{};
        empty.offset = none;
        std::vector<T> old(slots, empty);
        std::swap(old, slots_);
        for (const T& value : old)
            if (value.offset != none) place(value);
    }

    std::vector<T> slots_;
    std::size_t size_ = 0;
};

}  // namespace posthorn::broker
