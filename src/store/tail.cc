#include "tail.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>

namespace posthorn::store {
namespace {

Error failure(const char* what) {
    return {Errc::io, fmt::format("cannot {} for the memory tail: {}", what, std::strerror(errno))};
}

/// Both halves of `base` show the same memory of `fd`.
bool map_twice(std::byte* base, std::uint64_t size, int fd) {
    for (int half = 0; half < 2; ++half) {
        void* want = base + static_cast<std::uint64_t>(half) * size;
        if (mmap(want, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != want) return false;
    }
    return true;
}

}  // namespace

Result<std::unique_ptr<Tail>> Tail::make(std::uint64_t bytes) {
    if (!std::has_single_bit(bytes) || bytes < 4096)
        return Error{Errc::invalid,
                     fmt::format("the memory tail must be a power of two from 4096, not {}", bytes)};
    const int fd = memfd_create("posthorn-tail", MFD_CLOEXEC);
    if (fd < 0) return failure("get memory");
    if (ftruncate(fd, static_cast<off_t>(bytes)) != 0) {
        close(fd);
        return failure("size the memory");
    }
    void* space = mmap(nullptr, 2 * bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (space == MAP_FAILED) {
        close(fd);
        return failure("reserve addresses");
    }
    auto* base = static_cast<std::byte*>(space);
    const bool mapped = map_twice(base, bytes, fd);
    close(fd);  // the mappings keep the memory
    if (!mapped) {
        munmap(space, 2 * bytes);
        return failure("map memory");
    }
    return std::unique_ptr<Tail>(new Tail(base, bytes));
}

Tail::~Tail() {
    munmap(memory_, 2 * size_);
}

}  // namespace posthorn::store
