#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "env/random.h"

namespace posthorn::env {

/// How a power cut treats what was not synced.
struct CutStyle {
    enum Keep { nothing, everything, mixed } keep = mixed;
    double tear = 0;  ///< chance that a page is a mixture of two of its versions, sector by sector

    static CutStyle draw(Random& random);
    /// Of `count` changes in order, how many reached the disk.
    std::size_t reached(Random& random, std::size_t count) const;
};

/// One simulated file: what its readers see (the cache), what the disk holds, and the changes in between.
/// Pages are shared between the two images until one of them changes, so a sync costs a pointer per dirty
/// page.
class SimInode {
  public:
    static constexpr std::size_t page_size = 4096;
    static constexpr std::size_t sector_size = 512;
    static std::uint64_t pages_for(std::uint64_t size) { return (size + page_size - 1) / page_size; }

    std::uint64_t size() const { return size_; }
    std::uint64_t unsynced_bytes() const { return journal_.size(); }
    /// Pages of the disk in use, reserved ones included.
    std::uint64_t charged() const { return charged_; }

    /// How many of `size` bytes at `offset` fit when `free_pages` more may be used.
    std::uint64_t fitting(std::uint64_t offset, std::uint64_t size, std::uint64_t free_pages) const;
    /// Pages that reserving `size` would add.
    std::uint64_t missing_for(std::uint64_t size) const;

    /// Writes the first `limit` bytes of the pieces.
    void write(std::uint64_t offset, std::span<const Bytes> pieces, std::uint64_t limit);
    std::size_t read(std::uint64_t offset, std::span<std::byte> into) const;
    std::uint64_t next_written(std::uint64_t offset) const;
    void reserve(std::uint64_t size);
    void truncate(std::uint64_t size);
    void sync();
    /// A random part reaches the disk, the rest is forgotten though still readable.
    void failed_sync(Random& random);
    void power_cut(Random& random, const CutStyle& style);
    void flip_bit(std::uint64_t offset, unsigned bit);

    // Kept by SimFiles: an inode without name and handle gives its space back.
    std::uint32_t links = 0;
    std::uint32_t handles = 0;

  private:
    using Page = std::array<std::byte, page_size>;
    using Pages = std::vector<std::shared_ptr<Page>>;  ///< null: zeros

    /// One change since the last sync: `size` bytes of the journal written at `offset`, or the file shortened
    /// to `offset`.
    struct Change {
        enum Kind { written, shortened } kind;
        std::uint64_t offset;
        std::uint64_t size;
        std::size_t journal_at;
        std::size_t lengths_before;  ///< of a shortening: changes of length that came before it
    };

    static Page& own_page(Pages& pages, std::uint64_t index);
    static void zero_from(Pages& pages, std::uint64_t offset);
    void set_size(std::uint64_t size);
    void recount();
    std::uint64_t end_page(const Change& change) const;
    std::vector<std::uint64_t> dirty_pages() const;
    std::uint64_t survive_length(Random& random, const CutStyle& style, std::size_t& lengths_kept) const;
    std::shared_ptr<Page> survive_page(std::uint64_t index, std::span<const std::size_t> changes,
                                       std::size_t lengths_kept, Random& random, const CutStyle& style) const;
    Page replay(std::uint64_t index, std::span<const std::size_t> changes, std::size_t writes,
                std::size_t lengths_kept) const;
    void forget_changes();

    Pages cache_;
    Pages disk_;
    std::uint64_t size_ = 0;
    std::uint64_t disk_size_ = 0;
    std::uint64_t reserved_ = 0;  ///< pages
    std::uint64_t charged_ = 0;   ///< pages
    std::vector<Change> changes_;
    std::vector<std::uint64_t> lengths_;  ///< every length since the last sync
    Buffer journal_;
};

}  // namespace posthorn::env
