#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "env/files.h"
#include "runtime/worker.h"
#include "store/record.h"

namespace posthorn::store {

/// What the index knows of one message without reading it.
struct Entry {
    Position position;
    std::uint32_t size = 0;
    std::int32_t tag = 0;
    std::int64_t time = 0;
    std::int64_t deadline = 0;
};

/// The offsets a queue holds in this log: [begin, end). An unknown queue is empty at 0.
struct Range {
    model::QueueOffset begin, end;
    bool empty() const { return begin == end; }
};

enum class Read {
    ready,    ///< here it is
    none,     ///< the queue holds nothing there (below begin: retention took it; at end: not yet)
    loading,  ///< on its way from the disk; ask again after `on_loaded`
    failed,   ///< could not be read this time, and nothing is known about it: ask again after a pause
    damaged,  ///< its bytes contradict their checksum; named in the log and counted
};

/// There may be an answer later: whoever takes this for a gap loses messages.
constexpr bool not_now(Read read) {
    return read == Read::loading || read == Read::failed;
}

struct LogOptions {
    std::string name;  ///< "stream" or "queue": folder, metrics, messages
    std::uint64_t segment_bytes = 256ull << 20;
    std::uint64_t tail_bytes = 64ull << 20;  ///< newest bytes kept in memory; a power of two
    std::uint64_t cold_bytes = 16ull << 20;  ///< blocks of older bytes kept in memory
    /// At most a quarter of the tail. Messages with an origin may be larger, if the tail and the segment let
    /// them: they were taken before, perhaps under another limit.
    std::uint32_t max_record_bytes = 8u << 20;
    std::uint64_t store_id = 0;  ///< of this data directory, seeds every checksum
    /// Queue log: count the live messages of every segment, for `release` and `maintain`. Costs memory for
    /// the directory of every segment (24 bytes per queue and segment).
    bool counts_live = false;
    /// Queue log: keep one allocated segment aside. When the disk is full, messages are refused, but state
    /// records and moved messages, which free space, go on into it.
    bool spare_segment = false;
    /// Somebody waits for most of what is written to be synced: the file is written ahead with zeros, so that
    /// a sync finds its blocks made. Costs the disk every byte twice.
    bool synced_often = false;
    /// Called right after a new segment became the active one and before anything else is appended to it:
    /// the broker writes the state recovery needs, so that older segments need not be replayed for it. An
    /// older segment is sealed, and so no longer replayed, when this state is synced. Not called by `open`.
    /// False: the state did not go in whole. Older segments stay unsealed; `maintain` and the next roll ask
    /// again.
    std::function<bool()> on_roll;
    /// Asked before a full segment is sealed (and so no longer replayed), if set: false puts it off until the
    /// next sync, roll or `maintain`.
    std::function<bool()> may_seal;
    /// Called inside `Worker::collect` when bytes somebody was told are `loading` have come (or failed).
    std::function<void()> on_loaded;
    /// Called with the reason whenever `failed` is answered: a read error, no descriptor, no memory. Without
    /// it each of them is a line in the log.
    std::function<void(const Error&)> on_read_failed;
};

/// One record seen at recovery, in log order: every record of the segments that were not sealed.
using RecoveryVisitor = std::function<void(const Record&)>;

struct Recovered {
    bool torn = false;       ///< a torn tail was cut
    bool same_boot = false;  ///< the machine has run on since the log was last open
    Position cut;            ///< where (equal to end when nothing was)
    std::uint64_t replayed_bytes = 0;
};

struct Appended {
    Position position;
    Position end;               ///< the first byte after; durable once `synced() >= end`
    model::QueueOffset offset;  ///< in the first destination
};

struct SegmentInfo {
    Position begin, end;
    std::int64_t first_time = 0;  ///< store time of its oldest record; 0 while it is empty
    std::int64_t last_time = 0;   ///< and of its newest
    std::uint64_t live = 0;       ///< messages not yet released (queue log)
    bool sealed = false;
};

/// An append-only log of records in segment files, with the index that finds a message by queue and offset.
/// Two live in a data directory: the *stream* log, whose segments go by age and size, and the *queue* log,
/// whose segments go when nothing in them is live.
///
/// One owner thread. The life of a record: `append` copies it into the memory tail and gives it its place;
/// `write` puts everything appended since the last call into the file with one gathered write (a kill of the
/// process loses nothing written); `request_sync` makes the worker sync, and `synced()` moves when the
/// worker's results are collected (a power cut loses nothing synced). Nothing here waits for the disk but
/// `open`, `write` (page cache) and the roll.
///
/// A kill loses what was not written; so does destroying the log, which writes nothing.
///
/// Errors. `append` refuses a record that is too large (invalid), when the disk is full (no_space) and after
/// a failed write or sync (read_only, until reopened). A full disk passes: what was appended before stays in
/// memory and is written as soon as there is room, the next segment is allocated by `maintain`, which tries
/// each time, and messages are taken again. A read that fails is no damage: only bytes that were read and are
/// wrong, or are not there at all, are `damaged`.
class Log {
  public:
    static Result<std::unique_ptr<Log>> open(env::Files& files, std::string directory, LogOptions options,
                                             runtime::Worker& worker, const RecoveryVisitor& visit);
    ~Log();
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    const Recovered& recovered() const;

    // --- writing -------------------------------------------------------------------------------------------
    /// Copies the record into the tail. `now_ms` is raised to the store time of the record before.
    Result<Appended> append(const NewRecord& record, std::int64_t now_ms);
    /// Puts a live message of an old segment at the end again, under its old queues and offsets, so that the
    /// old segment can go. The caller has read it; it keeps time, keys and deadline. `live` are those of its
    /// destinations that were not released: they count in the new segment, the others stay where they are.
    Result<Appended> append_moved(const Record& record, std::span<const Place> live);
    /// Gives the queue's next offset away to a message that lies elsewhere (in the volatile log): here stays
    /// a hole, which reads as `none`. When the log is opened again, holes at a queue's end are forgotten.
    model::QueueOffset skip(model::QueueId queue);
    /// Makes sure that messages of this many bytes in all, appended right after, neither meet a full disk nor
    /// end up in two batches: all of them survive a crash, or none. Errors as `append`.
    Result<void> reserve(std::size_t messages, std::size_t destinations, std::size_t payload_bytes,
                         std::int64_t now_ms);
    Result<void> write();
    void request_sync();
    /// A sync that was asked for has not begun: ask again after a `collect`.
    bool sync_owed() const;
    /// Writes and syncs here and now, waiting for the disk: for the ends of a log's life, not for its middle.
    /// (A sync that is under way on the worker may still report a failure of its own later.)
    Result<void> sync();
    /// The same as the last thing before the log is destroyed: a closing mark says that everything before it
    /// is durable, so that what rots later is not taken for the torn tail of a power cut.
    Result<void> close();

    Position end() const;      ///< next byte to be given away
    Position written() const;  ///< a killed process keeps everything before
    Position synced() const;   ///< a power cut keeps everything before
    bool failed() const;       ///< a write or sync failed: read-only until reopened
    bool stalled() const;      ///< the last write or new segment met a full disk: no messages until it works

    // --- reading -------------------------------------------------------------------------------------------
    Range range(model::QueueId queue) const;
    /// Up to `out.size()` neighbouring entries from `from` on; `*count` of them are ready.
    Read entries(model::QueueId queue, model::QueueOffset from, std::span<Entry> out, std::size_t* count);
    /// The record behind an entry.
    Read record(const Entry& entry, Record* out);
    /// The record that starts exactly at `position`, if one of a message does (a client may ask for any
    /// number).
    Read record_at(Position position, Record* out);
    /// First offset of the queue whose store time is >= `time_ms` (its end, if none is).
    Read offset_by_time(model::QueueId queue, std::int64_t time_ms, model::QueueOffset* out);
    /// Positions of messages with this key hash, newest first, at most `limit`. May read index files: it is
    /// for people and tools, and blocks for as long as that takes.
    std::vector<Position> positions_by_key(std::uint64_t key, std::size_t limit);

    // --- space ---------------------------------------------------------------------------------------------
    Position begin() const;
    std::vector<SegmentInfo> segments() const;
    /// Removes the oldest segment, if it is sealed and not the only one. Queue ranges shrink with it.
    Result<void> drop_oldest();
    /// Queue log: this message is settled and will never be read again. A sealed segment without live
    /// messages is removed by the first `maintain` after everything appended before its last release is
    /// synced: copies that messages were settled for are durable before their originals go.
    void release(model::QueueId queue, model::QueueOffset offset);
    /// Queue log: the offsets whose messages are really here, as ranges in order. For the opening of a queue,
    /// not for its life: it looks through all segments.
    std::vector<Range> held(model::QueueId queue) const;
    /// Queue log: what lies in the sealed segment that begins there, released or not, by queue and offset;
    /// nothing if there is none.
    struct Run {
        model::QueueId queue;
        Range offsets;
    };
    std::vector<Run> runs(Position segment_begin) const;
    /// Tries again what waits: room for the next segment, a sync, a seal, the removal of files; removes dead
    /// segments (queue log). Call once in a while, not per message.
    Result<void> maintain();
    std::uint64_t disk_bytes() const;

    struct Counters {
        std::uint64_t records = 0, bytes = 0, writes = 0, syncs = 0, rolls = 0, cold_loads = 0, damaged = 0;
        std::uint64_t failed_reads = 0;  ///< answers `failed`
    };
    const Counters& counters() const;

  private:
    class Impl;
    explicit Log(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace posthorn::store
