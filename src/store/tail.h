#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"

namespace posthorn::store {

/// The newest bytes of a log, in memory: a ring in which the byte at position p lies at p modulo its size.
/// The memory is mapped twice, back to back, so that any stretch of it is one run of bytes, even over the
/// ring's end. Memory is used only as it is touched.
class Tail {
  public:
    /// `bytes`: a power of two, at least a page.
    static Result<std::unique_ptr<Tail>> make(std::uint64_t bytes);
    ~Tail();
    Tail(const Tail&) = delete;
    Tail& operator=(const Tail&) = delete;

    std::byte* at(std::uint64_t position) { return memory_ + (position & (size_ - 1)); }
    const std::byte* at(std::uint64_t position) const { return memory_ + (position & (size_ - 1)); }
    std::uint64_t size() const { return size_; }
    /// Whether these bytes lie in the ring and may so be overwritten by what is written to it.
    bool holds(Bytes bytes) const {
        return bytes.data() >= memory_ && bytes.data() < memory_ + 2 * size_ && !bytes.empty();
    }

  private:
    Tail(std::byte* memory, std::uint64_t size) : memory_(memory), size_(size) {}

    std::byte* memory_;
    std::uint64_t size_;
};

}  // namespace posthorn::store
