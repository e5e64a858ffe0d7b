#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core.h"
#include "deadlines.h"
#include "reader_state.h"
#include "releases.h"
#include "state_records.h"
#include "transparent_hash.h"

namespace posthorn::broker {

/// Those who settle message by message: a name, a queue, and what was taken, returned and settled. Changes
/// of a tick are noted together at its end.
///
/// By phase: who there is, and what wakes them (readers.cc), taking and settling (readers_take.cc), what is
/// written down and read back (readers_notes.cc).
class Readers {
  public:
    explicit Readers(Core& core) : core_(core) {}

    Result<ReaderId> open(std::string_view name, model::QueueId queue);
    Result<void> remove(ReaderId reader);
    Result<std::uint32_t> take(ReaderId reader, std::uint32_t max_messages, std::int64_t lease_ms,
                               TakeSink& sink);
    Result<std::uint32_t> offer(ReaderId reader, std::uint32_t max_messages, OfferSink& sink);
    Result<void> read(ReaderId reader, model::QueueOffset offset,
                      const std::function<void(const Stored&)>& visit);
    Result<void> settle(ReaderId reader, model::QueueOffset offset);
    Result<std::uint64_t> purge(ReaderId reader);
    Result<Broker::Looked> each_ready_tag(ReaderId reader, model::QueueOffset from, std::uint32_t max,
                                          const std::function<void(model::QueueOffset, std::int32_t)>& visit);
    Result<void> requeue(ReaderId reader, model::QueueOffset offset, std::int64_t delay_ms);
    Result<void> extend(ReaderId reader, model::QueueOffset offset, std::int64_t lease_ms);
    Result<void> wait(ReaderId reader, Waiter& waiter);
    Broker::ReaderCounts counts(ReaderId reader) const;

    /// Leases and delays that have run out by now.
    void run_out();
    /// The next share of what was purged or deleted by the million.
    void release_some() { releases_.some(); }
    std::int64_t next_deadline_ms() const;
    /// New messages show in the queue.
    void queue_grew(model::QueueId queue);
    /// Cold bytes came: whoever met `loading` may take again.
    void loaded();
    void wake();
    /// The queue was deleted, with all who read it; what a named queue holds is released.
    void forget_queue(model::QueueId queue);

    /// What the reader of a named queue has settled; null without a reader.
    const SettledSet* settled_of_named(model::QueueId queue) const;

    void note_changes();
    void note_all(StateWriter& notes) const;

    // --- recovery ------------------------------------------------------------------------------------------
    struct Restored {
        std::uint32_t id;
        model::QueueId queue;
        std::string name;
        ReaderState state;  ///< before `restored`
    };
    /// Adds a reader as it was; true if something pointed past the end of its queue and was cut.
    bool restore(Restored reader);

  private:
    static constexpr std::uint32_t nobody = 0;

    struct Range {
        std::uint64_t begin, end;
    };
    struct Reader {
        std::uint32_t id = nobody;
        model::QueueId queue;
        bool named = false;
        bool durable = true;   ///< what it does is noted
        bool dirty = false;    ///< in dirty_
        bool to_wake = false;  ///< in to_wake_
        bool loading = false;  ///< met a message that is on its way from the disk
        std::uint32_t next_of_queue = nobody;
        std::string name;
        ReaderState state;
        WaitList waiters;
        std::vector<Range> settled;           ///< since the last note
        std::vector<std::uint64_t> returned;  ///< since the last note
    };

    Result<Reader*> find(ReaderId reader) const;
    Result<Reader*> find_to_change(ReaderId reader) const;
    Reader& add(std::uint32_t id, std::string_view name, model::QueueId queue);
    void touch(Reader& reader);
    void make_ready(Reader& reader);
    class Run;
    /// The record at a ready offset; marks the reader when it is still to come from the disk.
    store::Read find_record(Reader& reader, Run& run, std::uint64_t offset, std::size_t want,
                            store::Record* record);
    /// Before taking from a queue of a topic: what retention took is no longer there to take.
    void forget_gone(Reader& reader, const store::Range& range);
    void mark_gaps(Reader& reader);
    /// No more can be handed out: too many are in flight, or, if it was never taken, too many were taken and
    /// came back. Those are what memory must know one by one.
    bool full(const Reader& reader, std::uint64_t offset) const;
    Error full_error() const;
    void settle(Reader& reader, std::uint64_t offset) { settle(reader, offset, offset + 1); }
    void settle(Reader& reader, std::uint64_t begin, std::uint64_t end);
    /// Not there any more (retention, damage): settled without being handed out.
    void pass_over(Reader& reader, std::uint64_t offset);
    void note(Reader& reader);
    void note_settled(Reader& reader, std::uint64_t begin, std::uint64_t end);
    void note_return(Reader& reader, std::uint64_t offset);
    bool alive(const Deadlines::Deadline& deadline) const;
    void unlink(Reader& reader);
    void release_rest(model::QueueId queue, SettledSet settled);
    std::int64_t wall_of(std::int64_t steady_ms) const {
        return steady_ms == ReaderState::at_once ? 0 : steady_ms - core_.now.steady_ms + core_.now.wall_ms;
    }

    Core& core_;
    std::vector<std::unique_ptr<Reader>> readers_{1};  ///< by id; 0 is nobody
    NameMap<std::uint32_t> by_name_;
    std::vector<std::uint32_t> of_queue_;  ///< first reader by queue id
    std::vector<std::uint32_t> free_;  ///< numbers of readers that were not durable: no note speaks of them
    Deadlines deadlines_;
    std::uint64_t in_flight_ = 0, taken_ = 0;  ///< over all readers; taken: in flight, or returned

    Releases releases_{core_};
    std::vector<std::uint32_t> dirty_, to_wake_, waking_, loading_;
};

}  // namespace posthorn::broker
