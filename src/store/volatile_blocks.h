#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "file_space.h"
#include "store/volatile_log.h"

namespace posthorn::store {

/// The blocks of a volatile log: one is being filled, the others wait for the release of what they hold, in
/// memory or in the file. Knows sizes and counts, not records.
class VolatileBlocks {
  public:
    VolatileBlocks(env::Files& files, std::string directory, const VolatileOptions& options,
                   runtime::Worker& worker, VolatileLog::Counters& counters);
    ~VolatileBlocks();

    struct Spot {
        std::uint32_t block = 0, at = 0;
        std::byte* memory = nullptr;
    };
    bool fits(std::uint32_t size) const {
        return open_ != none && blocks_[open_].size - blocks_[open_].used >= size;
    }
    /// The next `size` bytes of the open block; `fits` said yes.
    Spot take(std::uint32_t size) {
        Block& block = blocks_[open_];
        const Spot spot{open_, block.used, block.memory.get() + block.used};
        block.used += size;
        return spot;
    }
    /// Too large to lie with others: `take_alone` gives it a block of its own.
    bool large(std::uint32_t size) const { return size > options_.block_bytes / 2; }
    Spot take_alone(std::uint32_t size);
    /// The open block is full: begins a new one.
    void open_new();
    /// More than the limit is in memory.
    bool crowded() const { return counters_.memory_bytes > limit_; }
    /// Brings what is in memory back below the limit, as far as the file takes it. Ends views.
    void shrink();
    /// Why memory stays above the limit, if it does.
    const Error* refusing() const { return crowded() && refused_ ? &*refused_ : nullptr; }

    void hold(std::uint32_t block, std::uint32_t count) { blocks_[block].live += count; }
    void release(std::uint32_t block) {
        Block& from = blocks_[block];
        if (--from.live > 0) return;
        if (block == open_)
            from.used = 0;  // everything was read: the same memory, still warm, is filled again
        else
            free(block);
    }
    /// The memory of a block; what is not there is read back.
    Read bytes(std::uint32_t block, const std::byte** out) {
        *out = blocks_[block].memory.get();
        return *out ? Read::ready : read_back(block, out);
    }

  private:
    static constexpr std::uint32_t none = 0xFFFF'FFFF;
    static constexpr std::uint64_t nowhere = ~std::uint64_t{0};

    struct Links {
        std::uint32_t before = none, after = none;
    };
    struct List {
        std::uint32_t first = none, last = none;
    };
    struct Block {
        std::unique_ptr<std::byte[]> memory;
        std::uint32_t size = 0;
        std::uint32_t used = 0;
        std::uint32_t live = 0;           ///< messages not released, counted per queue
        std::uint64_t file_at = nowhere;  ///< where its copy lies
        std::uint64_t birth = 0;          ///< tells one use of this slot from the next
        bool loading = false, bad = false;
        bool failed = false;  ///< the last try to read it back, and nobody was told yet
        Links age;            ///< in `by_age_`: all but the open one
        Links memory_links;   ///< in `in_memory_`: those that may be given up, next to go first
    };
    struct Load;

    void push(List& list, Links Block::*links, std::uint32_t block);
    void unlink(List& list, Links Block::*links, std::uint32_t block);
    std::uint64_t stored_bytes(const Block& block) const;
    std::unique_ptr<std::byte[]> take_memory(std::uint32_t size);
    void drop_memory(Block& block);
    std::uint32_t new_block(std::uint32_t size);
    void free(std::uint32_t block);
    void free_file(Block& block);
    bool give_up_one();
    Result<void> spill(Block& block);
    Read read_back(std::uint32_t block, const std::byte** out);
    void look_ahead(std::uint32_t block);
    std::shared_ptr<Load> make_load(std::uint32_t block);
    bool start(const std::shared_ptr<Load>& load);
    void finish(Load& load);
    Read read_failed(Block& block);
    void lose(Block& block);

    env::Files& files_;
    const std::string directory_;
    const VolatileOptions& options_;
    runtime::Worker& worker_;
    VolatileLog::Counters& counters_;
    const std::uint64_t limit_;

    std::vector<Block> blocks_;
    std::vector<std::uint32_t> free_slots_;
    std::vector<std::unique_ptr<std::byte[]>> spare_;  ///< memory of ordinary blocks, last used first
    std::uint32_t open_ = none;
    List by_age_, in_memory_;
    std::uint64_t births_ = 0;

    std::shared_ptr<env::File> file_;
    std::uint64_t file_size_ = 0;
    FileSpace space_;
    std::optional<Error> refused_;           ///< why the last block could not be written
    Error failure_{Errc::io, {}};            ///< why one could not be read back
    std::shared_ptr<VolatileBlocks*> self_;  ///< what finished work finds us by, if we still are
};

}  // namespace posthorn::store
