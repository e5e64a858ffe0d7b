#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace posthorn::broker {

/// Which offsets of a queue are settled: all below a floor, and a bitmap of those above it. The bitmap is cut
/// into chunks of 4096 offsets; a chunk of only settled or only unsettled offsets costs its pointer alone, so
/// one message that is left unsettled for a billion others costs 2 MB, not 125.
class SettledSet {
  public:
    SettledSet() = default;
    SettledSet(SettledSet&& other) noexcept;
    SettledSet& operator=(SettledSet&& other) noexcept;
    ~SettledSet();

    /// False if it was settled already.
    bool add(std::uint64_t offset);
    void add_range(std::uint64_t begin, std::uint64_t end);
    bool contains(std::uint64_t offset) const;

    std::uint64_t floor() const { return floor_; }  ///< the first that is not settled
    std::uint64_t top() const { return top_; }  ///< the last that is settled, plus one; at least the floor
    /// Everything below `floor` counts as settled from now on.
    void raise_floor(std::uint64_t floor);
    /// Nothing at or beyond `end` is settled any more.
    void cut(std::uint64_t end);

    /// Maximal runs [begin, end) of settled offsets above the floor, in order.
    void each_range(const std::function<void(std::uint64_t begin, std::uint64_t end)>& visit) const;
    /// The same in little: runs of whole chunks that are settled, and for the chunks that are so in part
    /// their bits, from the offset `begin` on, lowest bit first. Costs a bit per offset above the floor at
    /// most.
    void each_piece(
        const std::function<void(std::uint64_t begin, std::uint64_t end)>& run,
        const std::function<void(std::uint64_t begin, std::span<const std::uint64_t>)>& bits) const;
    /// The unsettled offsets in [floor, end), in order.
    void each_gap(std::uint64_t end, const std::function<void(std::uint64_t offset)>& visit) const;

  private:
    static constexpr std::uint64_t chunk_bits = 4096;
    struct Chunk {
        std::array<std::uint64_t, chunk_bits / 64> words{};
        std::uint32_t count = 0;
    };

    /// The chunk with this number (offset / 4096): null if empty, `full()` if all of it is settled.
    Chunk* chunk(std::uint64_t number) const;
    Chunk*& slot(std::uint64_t number);
    static Chunk* full();
    Chunk* make_chunk();
    void drop_chunk(Chunk* chunk);
    void settle_floor();
    void drop_below_floor();
    std::uint64_t run_end(std::uint64_t offset, bool settled, std::uint64_t limit) const;

    std::uint64_t floor_ = 0;
    std::uint64_t top_ = 0;
    std::uint64_t first_ = 0;  ///< number of chunks_[head_]
    std::size_t head_ = 0;
    std::vector<Chunk*> chunks_;
    std::unique_ptr<Chunk> spare_;  ///< so that a floor that follows its top allocates nothing
};

}  // namespace posthorn::broker
