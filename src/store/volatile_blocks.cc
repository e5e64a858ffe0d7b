#include "volatile_blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace posthorn::store {
namespace {

constexpr std::uint64_t file_page = 4096;
constexpr std::size_t spare_most = 64;  ///< 4 MiB: what a busy tick fills and drains
/// The file is cut when this much of its end is free.
constexpr std::uint64_t cut_bytes = 64ull << 20;
/// Blocks asked for together with one that has to come from the disk.
constexpr std::uint64_t read_ahead = 4;

}  // namespace

/// A block on its way back. Belongs to the worker while it runs.
struct VolatileBlocks::Load {
    std::shared_ptr<env::File> file;
    std::uint64_t at = 0;
    std::uint32_t block = 0, size = 0;
    std::uint64_t birth = 0;
    std::unique_ptr<std::byte[]> memory;
    std::optional<Error> failure;
    bool short_file = false;

    bool now() { return file->read_now(at, {memory.get(), size}) == size; }
    void wait() {
        const auto got = file->read_at(at, {memory.get(), size});
        if (!got)
            failure = got.error();
        else
            short_file = *got != size;
    }
};

VolatileBlocks::VolatileBlocks(env::Files& files, std::string directory, const VolatileOptions& options,
                               runtime::Worker& worker, VolatileLog::Counters& counters)
    : files_(files),
      directory_(std::move(directory)),
      options_(options),
      worker_(worker),
      counters_(counters),
      limit_(std::max<std::uint64_t>(options.memory_bytes, 4ull * options.block_bytes)),
      self_(std::make_shared<VolatileBlocks*>(this)) {}

VolatileBlocks::~VolatileBlocks() = default;

// --- lists and slots ---------------------------------------------------------------------------------------

void VolatileBlocks::push(List& list, Links Block::*links, std::uint32_t block) {
    blocks_[block].*links = {list.last, none};
    (list.last == none ? list.first : (blocks_[list.last].*links).after) = block;
    list.last = block;
}

void VolatileBlocks::unlink(List& list, Links Block::*links, std::uint32_t block) {
    const Links from = std::exchange(blocks_[block].*links, {});
    (from.before == none ? list.first : (blocks_[from.before].*links).after) = from.after;
    (from.after == none ? list.last : (blocks_[from.after].*links).before) = from.before;
}

std::uint32_t VolatileBlocks::new_block(std::uint32_t size) {
    std::uint32_t slot;
    if (free_slots_.empty()) {
        slot = static_cast<std::uint32_t>(blocks_.size());
        blocks_.emplace_back();
    } else {
        slot = free_slots_.back();
        free_slots_.pop_back();
        blocks_[slot] = {};
    }
    blocks_[slot].size = size;
    blocks_[slot].birth = ++births_;
    blocks_[slot].memory = take_memory(size);
    counters_.memory_bytes += size;
    return slot;
}

std::unique_ptr<std::byte[]> VolatileBlocks::take_memory(std::uint32_t size) {
    if (size != options_.block_bytes || spare_.empty())
        return std::make_unique_for_overwrite<std::byte[]>(size);
    auto memory = std::move(spare_.back());
    spare_.pop_back();
    return memory;
}

void VolatileBlocks::drop_memory(Block& block) {
    counters_.memory_bytes -= block.size;
    if (block.size == options_.block_bytes && spare_.size() < spare_most)
        spare_.push_back(std::move(block.memory));
    block.memory.reset();
}

// --- filling -----------------------------------------------------------------------------------------------

VolatileBlocks::Spot VolatileBlocks::take_alone(std::uint32_t size) {
    const std::uint32_t slot = new_block(size);
    blocks_[slot].used = size;
    push(by_age_, &Block::age, slot);
    push(in_memory_, &Block::memory_links, slot);
    return {slot, 0, blocks_[slot].memory.get()};
}

/// (An open block without live messages is empty, so one that is full holds something.)
void VolatileBlocks::open_new() {
    if (open_ != none) {
        push(by_age_, &Block::age, open_);
        push(in_memory_, &Block::memory_links, open_);
    }
    open_ = new_block(options_.block_bytes);
}

void VolatileBlocks::free(std::uint32_t slot) {
    Block& block = blocks_[slot];
    unlink(by_age_, &Block::age, slot);
    if (block.memory) {
        unlink(in_memory_, &Block::memory_links, slot);
        drop_memory(block);
    }
    free_file(block);
    block.birth = 0;
    free_slots_.push_back(slot);
}

// --- the file ----------------------------------------------------------------------------------------------

std::uint64_t VolatileBlocks::stored_bytes(const Block& block) const {
    return (block.used + file_page - 1) / file_page * file_page;
}

void VolatileBlocks::free_file(Block& block) {
    if (block.file_at == nowhere) return;
    space_.give(block.file_at, stored_bytes(block));
    block.file_at = nowhere;
    counters_.file_bytes = space_.used();
    const bool cut = space_.end() == 0 || file_size_ - space_.end() >= std::max(cut_bytes, file_size_ / 2);
    if (!cut || file_size_ == 0) return;
    if (auto done = file_->truncate(space_.end()); !done)
        log_warn("store", "the file of volatile messages keeps its length: {}", done.error().message);
    file_size_ = space_.end();
}

void VolatileBlocks::shrink() {
    while (crowded() && give_up_one()) {
    }
}

/// The next in line is written, unless it was before, and leaves the memory. When it cannot be written, one
/// that needs not.
bool VolatileBlocks::give_up_one() {
    if (in_memory_.first == none) return false;
    std::uint32_t victim = in_memory_.first;
    if (blocks_[victim].file_at == nowhere) {
        if (auto done = spill(blocks_[victim]); !done) {
            if (!refused_) log_error("store", "volatile messages stay in memory: {}", done.error().message);
            refused_ = done.error();
            while (victim != none && blocks_[victim].file_at == nowhere)
                victim = blocks_[victim].memory_links.after;
            if (victim == none || victim == in_memory_.last) return false;  // the last is being read
        } else if (std::exchange(refused_, std::nullopt)) {
            log_info("store", "volatile messages go to the disk again");
        }
    }
    unlink(in_memory_, &Block::memory_links, victim);
    drop_memory(blocks_[victim]);
    return true;
}

Result<void> VolatileBlocks::spill(Block& block) {
    const std::uint64_t size = stored_bytes(block);
    if (options_.file_bytes > 0 && space_.used() + size > options_.file_bytes)
        return Error{Errc::full, fmt::format("{} bytes of volatile messages are on the disk already; {} is "
                                             "the limit",
                                             space_.used(), options_.file_bytes)};
    if (!file_) {
        auto file = files_.open_unnamed(directory_);
        if (!file) return file.error();
        file_ = std::move(*file);
    }
    const std::uint64_t at = space_.take(size);
    if (auto done = file_->write_at(at, Bytes(block.memory.get(), block.used)); !done) {
        space_.give(at, size);
        return done;
    }
    block.file_at = at;
    file_size_ = std::max(file_size_, space_.end());
    counters_.file_bytes = space_.used();
    ++counters_.spilled;
    return {};
}

// --- back from the file ------------------------------------------------------------------------------------

Read VolatileBlocks::read_back(std::uint32_t slot, const std::byte** out) {
    if (blocks_[slot].bad) return Read::damaged;
    if (blocks_[slot].loading) return Read::loading;
    if (blocks_[slot].failed) return read_failed(blocks_[slot]);
    const auto load = make_load(slot);
    if (!load->now()) {
        if (start(load)) {
            look_ahead(slot);
            return Read::loading;
        }
        load->wait();  // the worker is drowned in work: better slow than never
    }
    finish(*load);
    if (blocks_[slot].failed) return read_failed(blocks_[slot]);
    *out = blocks_[slot].memory.get();
    return *out ? Read::ready : Read::damaged;
}

/// A reader goes on from here: what follows is wanted next. Less when there is hardly room for it.
void VolatileBlocks::look_ahead(std::uint32_t slot) {
    const std::uint64_t room = refused_ ? 0 : limit_ / options_.block_bytes / 4;
    std::uint32_t next = blocks_[slot].age.after;
    for (std::uint64_t n = std::min(room, read_ahead); n > 0 && next != none; --n) {
        const Block& block = blocks_[next];
        if (!block.memory && !block.loading && !block.bad && !start(make_load(next))) return;
        next = block.age.after;
    }
}

std::shared_ptr<VolatileBlocks::Load> VolatileBlocks::make_load(std::uint32_t slot) {
    const Block& block = blocks_[slot];
    ++counters_.loads;
    return std::make_shared<Load>(
        Load{file_, block.file_at, slot, block.used, block.birth, take_memory(block.size), {}, {}});
}

bool VolatileBlocks::start(const std::shared_ptr<Load>& load) {
    const bool taken = worker_.submit([load] { load->wait(); },
                                      [load, self = std::weak_ptr(self_)] {
                                          const auto blocks = self.lock();
                                          if (!blocks) return;
                                          (*blocks)->finish(*load);
                                          if ((*blocks)->options_.on_loaded) (*blocks)->options_.on_loaded();
                                      });
    blocks_[load->block].loading = taken;
    return taken;
}

void VolatileBlocks::finish(Load& load) {
    Block& block = blocks_[load.block];
    if (block.birth != load.birth) return;  // released meanwhile
    block.loading = false;
    if (load.failure) {
        failure_ = *load.failure;
        block.failed = true;
        return;
    }
    if (load.short_file) return lose(block);
    block.memory = std::move(load.memory);
    counters_.memory_bytes += block.size;
    push(in_memory_, &Block::memory_links, load.block);
    while (crowded() && in_memory_.first != load.block && give_up_one()) {
    }
}

/// Told once; who asks again makes the next try.
Read VolatileBlocks::read_failed(Block& block) {
    block.failed = false;
    ++counters_.failed_reads;
    if (options_.on_read_failed)
        options_.on_read_failed(failure_);
    else
        log_error("store", "volatile messages cannot be read: {}", failure_.message);
    return Read::failed;
}

void VolatileBlocks::lose(Block& block) {
    block.bad = true;
    ++counters_.damaged;
    log_error("store", "{} volatile messages are lost: their file is too short", block.live);
}

}  // namespace posthorn::store
