#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "broker/catalog.h"
#include "broker/options.h"
#include "env/files.h"
#include "model/ids.h"
#include "model/tag_expression.h"
#include "runtime/worker.h"
#include "store/log.h"
#include "store/volatile_log.h"

namespace posthorn::broker {

/// The time of a tick; the engine reads no clock of its own.
struct Now {
    std::int64_t wall_ms = 0;
    std::int64_t steady_ms = 0;
};

/// Who works beside the engine's thread: `disk` syncs, reads and seals, `names` commits definitions, which
/// may take longer than either. May be the same.
struct Workers {
    Workers(runtime::Worker& both) : disk(both), names(both) {}
    Workers(runtime::Worker& of_disk, runtime::Worker& of_names) : disk(of_disk), names(of_names) {}
    runtime::Worker& disk;
    runtime::Worker& names;
};

/// A message on its way in. The payload is in its protocol's bytes and is copied before `publish` returns; it
/// may be a view into what `take` or `fetch` just handed out.
struct Publication {
    model::QueueId queue;
    /// Instead of `queue`: the named queues it goes to together, all of them or none, each named once. The
    /// body is laid down once in the volatile log and once per 255 queues in the queue log. The receipt is
    /// that of the queue log, if it went there, with the place in the first.
    std::span<const model::QueueId> queues = {};
    store::Format format{};
    std::uint8_t priority = 0;
    std::int32_t tag = 0;
    std::uint64_t key = 0;        ///< store::key_hash of the client's message id
    std::int64_t expires_ms = 0;  ///< wall time after which it need not be delivered; 0 never
    /// Named queues: whether it survives a restart, if the queue does. One that does not costs no write, is
    /// readable at once (but never before what was published before it) and its promise is kept at once.
    bool persistent = true;
    Bytes payload;
};

/// Where a message went. A promise only once `Broker::state` says so.
struct Receipt {
    bool delayed = false;       ///< in the queue log until it is due
    bool in_queue_log = false;  ///< which log the position is in: true for delayed and for named queues
    store::Position position;
    store::Position end;
    model::QueueOffset offset;  ///< in its queue; of a delayed message: in the timer queue
    std::int64_t store_ms = 0;
    std::uint64_t names = 0;  ///< its queue is so new that this change of names must be durable first; 0 none
    bool transient() const { return store::is_volatile(position); }
    /// This one, given after `earlier` in the same log, and kept only when both are.
    Receipt with(const Receipt& earlier) const {
        Receipt both = *this;
        both.names = std::max(names, earlier.names);
        return both;
    }
};

enum class Promise { pending, kept, broken };

/// A message on its way out; views are valid during the call only.
using Stored = store::Record;
class MessageSink {
  public:
    virtual ~MessageSink() = default;
    /// `offset` is the message's place in the queue that was asked for. False: enough, stop before the next.
    virtual bool on_message(const Stored& message, model::QueueOffset offset) = 0;
};

struct FetchRequest {
    model::QueueId queue;
    model::QueueOffset from;
    std::uint32_t max_messages = 32;
    std::uint32_t max_bytes = 256 * 1024;  ///< of records; the first message always goes
    const model::TagExpression* filter = nullptr;
};

enum class FetchStatus {
    found,
    no_match,  ///< messages there, none the filter wants; go on at `next`
    at_end,    ///< `from` is the next offset to be written: wait
    beyond,    ///< `from` is past the end: `next` says where the end is
    before,    ///< retention took it: `next` is the oldest there is
    empty,     ///< the queue never held a message, and `from` is 0
    loading,   ///< coming from the disk: wait with `wait_loaded`
    no_queue,
};

struct Fetched {
    FetchStatus status = FetchStatus::no_queue;
    std::uint32_t messages = 0;
    model::QueueOffset next, begin, end;
};

/// Told once, inside `end_tick` (or inside `begin_tick`, after a sync), that its queue may be read on. The
/// waiter may fetch, wait again or cancel others from inside the call. Cancels itself when destroyed.
class Waiter {
  public:
    virtual ~Waiter();
    virtual void on_readable() = 0;
    bool waiting() const { return prev_ != nullptr; }

  private:
    friend class WaitList;
    Waiter* prev_ = nullptr;
    Waiter* next_ = nullptr;
};

// --- queues settled message by message ---------------------------------------------------------------------

using ReaderId = Strong<struct ReaderIdTag, std::uint32_t>;

struct Taken {
    model::QueueOffset offset;
    std::uint32_t attempt = 1;  ///< 1 the first time
    bool redelivered =
        false;             ///< may have been seen before: returned, lease ran out, or taken before a crash
    bool crowded = false;  ///< offers only: in_flight_max is reached; hold nothing that stays for long
};

class TakeSink {
  public:
    virtual ~TakeSink() = default;
    virtual bool on_taken(const Stored& message, const Taken& taken) = 0;  ///< false: stop before the next
};

/// What became of a message that was offered.
enum class Offer : std::uint8_t {
    hold,    ///< taken: in flight until it is settled or requeued
    settle,  ///< taken and settled in one step, never in flight
    leave,   ///< not taken: it stays the next one, and the offers end
};

class OfferSink {
  public:
    virtual ~OfferSink() = default;
    /// Must not call the broker: the message lies in a log that may move.
    virtual Offer on_offer(const Stored& message, const Taken& taken) = 0;
    /// A ready message that cannot be read any more (damage) was settled unseen.
    virtual void on_missing() {}
};

/// The engine: topics read by offset and queues settled message by message on one store, without a socket and
/// without a protocol. It belongs to one thread and moves in ticks:
///
///     begin_tick(now)   time, due timers, finished syncs and loads, run-out leases
///     ... publish, fetch, take, settle, commit_progress ...
///     end_tick()        one write per log, then whoever waited is told; new names go to their worker
///
/// What was published in a tick is promised when `state(receipt)` says kept, checked after `end_tick`:
/// receipts of one log are kept in the order they were given, so a caller keeps them in a FIFO per log, and
/// those with `names` in a FIFO of their own: they wait longer.
class Broker {
  public:
    /// Opens or makes the data directory (locked against a second process: Errc::busy) and recovers it.
    static Result<std::unique_ptr<Broker>> open(env::Files& files, const std::string& directory,
                                                std::unique_ptr<store::Definitions> definitions,
                                                BrokerOptions options, Workers workers, Now now);
    ~Broker();  ///< `close` first for a clean end; without it the next open recovers as after a kill

    void begin_tick(Now now);
    void end_tick();
    /// Steady ms at which a tick is due though nothing else happens (timers, leases, syncs); max if never.
    std::int64_t next_tick_ms() const;
    /// Writes everything, notes progress, syncs (waiting for it). Nothing may be called after.
    Result<void> close();

    Now now() const;
    const BrokerOptions& options() const;
    Catalog& catalog();
    const Catalog& catalog() const;

    // --- in
    // --------------------------------------------------------------------------------------------------
    Result<Receipt> publish(const Publication& message);
    /// Makes sure that so many persistent messages to this queue, of so many payload bytes together,
    /// published right after, do not meet a full disk halfway, and that a crash leaves all of them or none.
    /// Errc::invalid if they are too many to go together.
    Result<void> reserve(model::QueueId queue, std::size_t messages, std::size_t payload_bytes);
    /// Into its queue at `due_ms` (wall), to the millisecond; at once when that is not in the future. Appears
    /// once, also after a crash in the moment it fires. Waits and comes as a persistent message; a queue that
    /// is not durable takes none (unsupported).
    Result<Receipt> publish_at(const Publication& message, std::int64_t due_ms);
    /// `must_sync`: the caller promises durability even under async flush.
    Promise state(const Receipt& receipt, bool must_sync = false) const;
    /// Why writes are refused right now, if they are (full disk, failed write).
    std::optional<Error> refusing() const;

    // --- out, by offset
    // --------------------------------------------------------------------------------------
    Fetched fetch(const FetchRequest& request, MessageSink& sink);
    void wait(model::QueueId queue, Waiter& waiter);  ///< until something new is readable in the queue
    /// Until some cold read has finished: told inside `begin_tick`, where the waiter may publish as well.
    void wait_loaded(Waiter& waiter);
    void cancel(Waiter& waiter);
    store::Range range(model::QueueId queue) const;  ///< readable: in sync flush the durable ones
    /// What the index knows of the readable messages from `from` on (time, size, tag), without reading them:
    /// `*count` of `out` are ready. Loading: ask again after `wait_loaded`.
    store::Read entries(model::QueueId queue, model::QueueOffset from, std::span<store::Entry> out,
                        std::size_t* count);
    /// Both answer Errc::loading while what they need comes from the disk: ask again after `wait_loaded`.
    Result<model::QueueOffset> offset_by_time(model::QueueId queue, std::int64_t wall_ms);
    Result<void> read_at(store::Position position, bool delayed,
                         const std::function<void(const Stored&)>& visit);
    std::vector<store::Position> positions_by_key(std::uint64_t key, std::size_t limit);

    // --- progress of groups
    // ----------------------------------------------------------------------------------
    std::optional<model::QueueOffset> progress(model::GroupId group, model::QueueId queue) const;
    /// Errc::full when there are `BrokerOptions::progress_max` offsets and the group has none here. A queue
    /// or group that is not there is passed over: the client that speaks of it does not know that it went.
    Result<void> commit_progress(model::GroupId group, model::QueueId queue, model::QueueOffset next);
    void forget_progress(model::GroupId group);
    void each_progress(model::GroupId group,
                       const std::function<void(model::QueueId, model::QueueOffset)>& visit) const;

    // --- out, settled one by one
    // -----------------------------------------------------------------------------
    /// A reader of a queue (named, or of a topic) that settles by message. The same name finds the same
    /// reader and its state again, also after a restart (of a durable queue). A named queue's messages are
    /// gone once its reader settled them. After a failed write or sync nothing can be taken or settled
    /// (read_only): it could not be noted.
    Result<ReaderId> open_reader(std::string_view name, model::QueueId queue);
    /// Only of a topic's queue: what the reader of a named queue settled is the queue's own state, and goes
    /// with the queue (denied).
    Result<void> delete_reader(ReaderId reader);
    /// Hands out ready messages, returned ones first in their old places. `lease_ms` > 0: comes back by
    /// itself then; 0: stays in flight until settled, requeued, or the process ends. Returns how many.
    Result<std::uint32_t> take(ReaderId reader, std::uint32_t max_messages, std::int64_t lease_ms,
                               TakeSink& sink);
    /// Shows ready messages in the order of `take`, without lease, and does with each what the sink says.
    /// Returns how many were held or settled.
    Result<std::uint32_t> offer(ReaderId reader, std::uint32_t max_messages, OfferSink& sink);
    /// One message of the reader's queue, whatever became of it; busy: it is on its way from the disk, and
    /// `wait_reader` tells when it is there.
    Result<void> read(ReaderId reader, model::QueueOffset offset,
                      const std::function<void(const Stored&)>& visit);
    Result<void> settle(ReaderId reader, model::QueueOffset offset);
    /// Settles all that is ready, what is not readable yet included. Returns how many.
    Result<std::uint64_t> purge(ReaderId reader);
    /// Back to its place (or, after `delay_ms`, then): the next take gives it before younger ones.
    Result<void> requeue(ReaderId reader, model::QueueOffset offset, std::int64_t delay_ms = 0);
    Result<void> extend(ReaderId reader, model::QueueOffset offset, std::int64_t lease_ms);
    void wait_reader(ReaderId reader, Waiter& waiter);
    /// Visits the tags of the reader's ready messages from `from` on and looks at `max` places at most,
    /// without reading a message: for sums nobody kept over a restart. `more`: go on at `next`; if that is
    /// where it began, when the disk has answered.
    struct Looked {
        model::QueueOffset next;
        bool more = false;
    };
    Result<Looked> each_ready_tag(ReaderId reader, model::QueueOffset from, std::uint32_t max,
                                  const std::function<void(model::QueueOffset, std::int32_t tag)>& visit);
    struct ReaderCounts {
        std::uint64_t ready = 0, in_flight = 0, delayed = 0;
    };
    ReaderCounts counts(ReaderId reader) const;

    // --- what it did
    // -----------------------------------------------------------------------------------------
    struct Counters {
        std::uint64_t published = 0, published_bytes = 0, delayed = 0, fired = 0, fetched = 0,
                      fetched_bytes = 0;
        std::uint64_t refused_no_space = 0, refused_read_only = 0, refused_invalid = 0;
        std::uint64_t ticks = 0, timers_waiting = 0, timers_near = 0, waiters = 0;
        std::uint64_t timers_given_up = 0;  ///< lost, damaged, or too large by now for the log of its queue
        std::uint64_t progress_entries = 0, refused_progress = 0;
    };
    Counters counters() const;
    const store::Log& stream_log() const;
    const store::Log& queue_log() const;
    const store::VolatileLog& volatile_log() const;
    double disk_used_ratio() const;
    /// Segments past their retention go with the next tick, not only at the hour for it.
    void drop_expired();

  private:
    class Impl;
    explicit Broker(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace posthorn::broker
