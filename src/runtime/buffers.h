#pragma once

#include <cstddef>

namespace posthorn::runtime {

/// Unconsumed input up to this size is moved in front of the next receive in the shared buffer; above, the
/// connection's own buffer grows in place, so that a large frame is not copied with every piece of it.
inline constexpr std::size_t small_input = std::size_t{16} << 10;

/// Output buffers kept for reuse: enough for a tick's worth of busy connections, 4 MiB at most.
inline constexpr std::size_t spare_buffers = 64;
inline constexpr std::size_t spare_buffer_size = std::size_t{64} << 10;
/// And a few large ones, 4 MiB at most: whoever sends hundreds of KiB in a tick will again in the next, and
/// a buffer that grows from nothing is copied and touched for the first time with every doubling.
inline constexpr std::size_t large_spare_buffers = 4;
inline constexpr std::size_t large_buffer_size = std::size_t{1} << 20;

}  // namespace posthorn::runtime
