#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "base/result.h"
#include "env/files.h"
#include "runtime/worker.h"
#include "store/log.h"
#include "store/record.h"

namespace posthorn::store {

struct VolatileOptions {
    std::uint64_t memory_bytes = 64ull
                                 << 20;  ///< messages kept in memory; beyond it the oldest go to the file
    std::uint64_t index_bytes = 256ull << 20;  ///< about 9 bytes per message and queue, always in memory
    std::uint64_t file_bytes = 0;              ///< at most this much of the disk; 0: all there is
    std::uint32_t block_bytes = 64u << 10;     ///< one message that stays keeps a block; a power of two
    std::uint32_t max_record_bytes = 8u << 20;
    /// Called inside `Worker::collect` when bytes somebody was told are `loading` have come (or failed).
    std::function<void()> on_loaded;
    /// As in LogOptions.
    std::function<void(const Error&)> on_read_failed;
};

/// Messages that need not survive a restart. They lie in blocks of memory; under pressure the oldest blocks
/// go to a file without a name: no checksum, no sync, no recovery, nothing left behind by a crash. A block is
/// used again when all its messages were released.
///
/// A message is laid down once however many queues it goes to, and has an offset in each. This log does not
/// give offsets: the caller does, rising in every queue, with gaps where the messages of another log stand
/// (a durable queue may hold both kinds, in the order they came).
///
/// One owner thread. Nothing here waits for the disk but the write of a block to the page cache.
///
/// Errors of `append`: too large (invalid), the index or the file is at its limit (full), the disk took no
/// more (no_space, io). All of them pass when messages are released or room comes; reads go on meanwhile.
class VolatileLog {
  public:
    VolatileLog(env::Files& files, std::string directory, VolatileOptions options, runtime::Worker& worker);
    ~VolatileLog();
    VolatileLog(const VolatileLog&) = delete;
    VolatileLog& operator=(const VolatileLog&) = delete;

    /// Copies the message; `record.queues` is not looked at, `places` says where it stands. The payload may
    /// be a view into this log. All places or none.
    Result<Position> append(const NewRecord& record, std::int64_t now_ms, std::span<const Place> places);

    /// What `append` would say to a payload of this size, before anything else is done: after a good answer
    /// the next `append` of such a message does not fail.
    Result<void> reserve(std::size_t payload_bytes);

    /// [first held, after the last appended); an unknown queue is empty at 0.
    Range range(model::QueueId queue) const;
    model::QueueOffset end(model::QueueId queue) const;
    bool holds(model::QueueId queue, model::QueueOffset offset) const;
    /// The first held offset at `from` or later.
    std::optional<model::QueueOffset> next(model::QueueId queue, model::QueueOffset from) const;
    std::uint64_t held(model::QueueId queue) const;

    /// The message there; its views are valid until the next `append` or `record`. `none` if it is not held,
    /// `failed` if the file could not be read this time, `damaged` if it is too short. `destinations` are not
    /// kept: `record.destination_count()` is 0.
    Read record(model::QueueId queue, model::QueueOffset offset, Record* out);
    /// Will never be read again. False if it was not held.
    bool release(model::QueueId queue, model::QueueOffset offset);
    /// The queue is gone with all it holds; its offsets may start anew.
    void forget(model::QueueId queue);

    struct Counters {
        std::uint64_t records = 0, bytes = 0;  ///< appended
        std::uint64_t held = 0;                ///< now, counted per queue
        std::uint64_t memory_bytes = 0;        ///< of blocks in memory, now
        std::uint64_t index_bytes = 0;         ///< now
        std::uint64_t file_bytes = 0;          ///< of blocks in the file, now
        std::uint64_t spilled = 0, loads = 0;  ///< blocks written to and read from the file
        std::uint64_t damaged = 0;             ///< blocks that are lost
        std::uint64_t failed_reads = 0;        ///< answers `failed`
    };
    const Counters& counters() const;

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace posthorn::store
