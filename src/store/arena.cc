#include "arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>

namespace posthorn::store {
namespace {

constexpr std::size_t first_block = 64u << 10;
constexpr std::size_t largest_block = 8u << 20;
constexpr std::size_t page = 4096;

}  // namespace

Arena::~Arena() {
    for (const Block& block : blocks_)
        munmap(block.at, block.size);
}

void Arena::grow(std::size_t at_least) {
    const std::size_t step = std::clamp(reserved_, first_block, largest_block);
    const std::size_t size = (std::max(step, at_least) + page - 1) & ~(page - 1);
    void* at = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) throw std::bad_alloc();
    blocks_.push_back({at, size});
    next_ = static_cast<std::byte*>(at);
    left_ = size;
    reserved_ += size;
}

}  // namespace posthorn::store
