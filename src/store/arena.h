#pragma once

#include <cstddef>
#include <vector>

namespace posthorn::store {

/// Memory that is given out piece by piece and taken back all at once. Straight from the system, so that what
/// was given out and never touched costs nothing, and what is taken back is really free.
class Arena {
  public:
    Arena() = default;
    ~Arena();
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    /// `size` bytes, 8-aligned, zero.
    void* take(std::size_t size) {
        size = (size + 7) & ~std::size_t{7};
        if (size > left_) grow(size);
        void* at = next_;
        next_ += size, left_ -= size;
        return at;
    }
    /// Address space, an upper bound of the memory used.
    std::size_t reserved() const { return reserved_; }

  private:
    void grow(std::size_t at_least);

    struct Block {
        void* at;
        std::size_t size;
    };
    std::vector<Block> blocks_;
    std::byte* next_ = nullptr;
    std::size_t left_ = 0, reserved_ = 0;
};

}  // namespace posthorn::store
