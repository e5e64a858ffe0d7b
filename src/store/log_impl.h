#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "cold_cache.h"
#include "queue_table.h"
#include "segment.h"
#include "store/log.h"
#include "tail.h"

namespace posthorn::store {

/// The log by phase: open (log_open.cc), append and write (log_append.cc), sync and seal (log_seal.cc), read
/// (log_read.cc), space (log_space.cc). All of it belongs to the owner's thread; background work gets copies
/// and shared pointers to what no longer changes.
class Log::Impl {
  public:
    Impl(env::Files& files, std::string directory, LogOptions options, runtime::Worker& worker);

    // --- open ----------------------------------------------------------------------------------------------
    Result<void> open(const RecoveryVisitor& visit);

    // --- append --------------------------------------------------------------------------------------------
    Result<Appended> append(const NewRecord& record, std::int64_t now_ms);
    Result<Appended> append_moved(const Record& record, std::span<const Place> live);
    model::QueueOffset skip(model::QueueId queue) { return model::QueueOffset(queues_[queue].end++); }
    Result<void> reserve(std::size_t messages, std::size_t destinations, std::size_t payload_bytes,
                         std::int64_t now_ms);
    Result<void> write();

    // --- sync and seal -------------------------------------------------------------------------------------
    void request_sync();
    Result<void> sync();
    Result<void> close();

    // --- read ----------------------------------------------------------------------------------------------
    Range range(model::QueueId queue) const;
    Read entries(model::QueueId queue, model::QueueOffset from, std::span<Entry> out, std::size_t* count);
    Read record(const Entry& entry, Record* out);
    Read record_at(Position position, Record* out);
    Read offset_by_time(model::QueueId queue, std::int64_t time_ms, model::QueueOffset* out);
    std::vector<Position> positions_by_key(std::uint64_t key, std::size_t limit);

    // --- space ---------------------------------------------------------------------------------------------
    std::vector<SegmentInfo> segments() const;
    Result<void> drop_oldest();
    void release(model::QueueId queue, model::QueueOffset offset);
    std::vector<Range> held(model::QueueId queue);
    std::vector<Run> runs(Position segment_begin) const;
    Result<void> maintain();
    std::uint64_t disk_bytes() const;

    Position begin() const { return Position(segments_.front()->begin); }
    Position end() const { return Position(end_); }
    Position written() const { return Position(written_); }
    Position synced() const { return Position(synced_); }
    bool failed() const { return failed_; }
    bool stalled() const { return stalled_ || roll_refused_at_ != 0; }
    bool sync_owed() const { return sync_wanted_ && !syncing_ && !sync_held_ && !failed_; }
    const Recovered& recovered() const { return recovered_; }
    const Counters& counters() const {
        counters_.cold_loads = cold_.loads();
        return counters_;
    }

  private:
    using Segments = std::vector<std::unique_ptr<Segment>>;

    /// What one read step can tell besides "here it is".
    template <class T>
    struct Found {
        Read read = Read::none;
        T value{};
    };

    // open
    Result<void> check_options() const;
    struct Names;
    Result<Names> list_names();
    Result<void> open_sealed(const Names& names);
    Result<std::unique_ptr<Segment>> open_one_sealed(std::uint64_t begin);
    Result<std::unique_ptr<Segment>> rebuild_after_last(std::uint64_t begin);
    Result<std::unique_ptr<Segment>> rebuild_sealed(std::uint64_t begin, const std::vector<EndRow>& others);
    Result<std::vector<EndRow>> ends_of(const Segment& segment);
    Read mend_index(Segment& segment);
    Result<void> load_queue_ends(const IndexSummary& summary);
    Result<void> load_newest_ends(const IndexSummary& newest);
    Result<void> load_queue_begins();
    Result<void> read_queue_begins(const IndexSummary& oldest);
    void count_live();
    Result<void> recover_unsealed(const Names& names, const RecoveryVisitor& visit);
    struct Recovery;
    Result<std::unique_ptr<Segment>> open_unsealed(std::uint64_t begin);
    void recover_batch(Segment& segment, Bytes bytes, std::uint64_t position, const RecoveryVisitor& visit);
    void keep_in_tail(std::uint64_t position, Bytes bytes);
    void index_record(Segment& segment, const Record& record, bool all_moved);
    void add_damage(Segment& segment, std::uint64_t from, std::uint64_t to);
    void name_missing(std::uint64_t from, std::uint64_t to);
    Result<void> check_first(Recovery& recovery, std::uint64_t expected);
    Result<void> cut(Recovery& recovery);
    void read_boot();
    void note_boot();
    Result<void> write_again(Segment& segment);

    // append
    /// `frees_space`: the record may use the spare segment.
    std::uint64_t largest_that_fits() const;
    Result<std::byte*> make_room(std::size_t need, std::int64_t now_ms, bool frees_space);
    Result<void> ensure_room(std::size_t need, std::int64_t now_ms, bool frees_space);
    Result<void> roll(std::int64_t now_ms, bool frees_space);
    void write_state();
    Result<void> refuse_roll(const Error& error, std::int64_t now_ms);
    bool roll_refused(std::int64_t now_ms) const;
    void try_to_grow();
    void accept_again();
    Error no_space() const;
    Result<void> make_spare();
    std::string spare_path() const { return path("spare"); }
    Result<std::unique_ptr<Segment>> make_segment(std::uint64_t begin, bool from_spare = false);
    std::byte* open_room(std::size_t need);
    std::byte* tail_room(std::size_t need);
    void open_batch();
    Result<void> write_batch(Segment& segment, Bytes batch);
    void note_cut(Segment& segment, std::uint64_t batch_position);
    void fail(const Error& error);
    void stall(const Error& error);
    void take_ends(Segment& segment);
    Bytes keep_payload(Bytes payload);

    // sync and seal
    void start_sync();
    void finish_sync(std::uint64_t target, const Result<void>& result);
    void hold_sync(const Error& error);
    void seal_next();
    void finish_seal(Result<IndexSummary> result);

    // read
    Segment* segment_at(std::uint64_t position) const;
    Segment& segment_number(std::uint32_t number) const;
    Segments::const_iterator first_unsealed() const {
        return segments_.begin() + static_cast<std::ptrdiff_t>(sealed_);
    }
    bool in_memory(std::uint32_t number) const { return number >= (*first_unsealed())->number; }
    Chunk* find_chunk(QueueState& state, std::uint64_t offset) const;
    Chunk* oldest_chunk(const QueueState& state) const;
    Segment& segment_of(const Chunk& chunk) const { return segment_number(chunk.segment); }
    struct MovedRow {
        const Segment* segment = nullptr;
        const EntryRow* row = nullptr;
    };
    MovedRow find_moved(model::QueueId queue, std::uint64_t offset) const;
    struct SealedRun {
        Segment* segment = nullptr;
        RunRow run;
    };
    Found<SealedRun> find_sealed(model::QueueId queue, QueueState& state, std::uint64_t offset);
    Found<SealedRun> search_sealed(model::QueueId queue, std::uint64_t offset);
    Found<SealedRun> newer_copy(const Segment& than, model::QueueId queue, std::uint64_t offset);
    Found<RunRow> find_run(Segment& segment, model::QueueId queue, std::uint64_t offset);
    Found<std::uint64_t> end_in(Segment& segment, model::QueueId queue);
    Read sealed_entries(const SealedRun& found, std::uint64_t from, std::span<Entry> out, std::size_t* count);
    Found<std::uint64_t> time_in_sealed(Segment& segment, model::QueueId queue, std::int64_t time_ms);
    std::optional<std::uint64_t> time_in_memory(const QueueState& state, std::int64_t time_ms) const;
    Found<EntryRow> entry_row(Segment& segment, std::uint32_t row);
    Read index_unit(Segment& segment, std::uint32_t unit, const ColdPiece** out);
    Read read_failed(const Error& error);
    /// A file that is not there, damaged or another's is gone for good with what it held. Anything else the
    /// next try may find in order.
    static bool may_pass(const Error& error) {
        return error.code != Errc::not_found && error.code != Errc::damaged && error.code != Errc::invalid;
    }
    /// What a hole in a queue means: damage took it, or it was settled and its segment removed.
    Read gap() const { return options_.counts_live && damaged_segments_ == 0 ? Read::none : Read::damaged; }
    Found<Bytes> bytes_at(std::uint64_t position, std::size_t size);
    Read cold_bytes(Segment& segment, std::uint64_t position, std::size_t size, Bytes* out);
    std::uint64_t stretch_end(const Segment& segment, std::uint32_t number) const;
    ColdSource stretch(const Segment& segment, std::uint32_t number, std::shared_ptr<env::File> file) const;
    void read_ahead(Segment& segment, std::uint32_t number);
    Result<std::shared_ptr<env::File>> file_of(Segment& segment);
    Result<std::shared_ptr<env::File>> index_file_of(Segment& segment);
    void limit_open_files(std::size_t most);
    Result<std::unique_ptr<env::File>> open_to_read(const std::string& name);
    std::optional<std::uint64_t> key_at(Segment& segment, std::uint32_t at);

    // space
    void remove_segment(Segments::iterator segment);
    void remove_files(std::vector<std::string> names);
    void remove_next();
    std::uint64_t first_offset(model::QueueId queue, const QueueState& state) const;

    static constexpr std::size_t most_open_files = 256;

    Segment& active() { return *segments_.back(); }
    std::string path(const std::string& name) const { return directory_ + "/" + name; }

    env::Files& files_;
    const std::string directory_;
    const LogOptions options_;
    runtime::Worker& worker_;

    std::unique_ptr<Tail> tail_;
    std::uint64_t tail_begin_ = 0;  ///< oldest position still in the tail
    std::uint64_t end_ = 0, written_ = 0, synced_ = 0;
    bool batch_open_ = false;  ///< [written_, end_) is one batch, head included; else it is empty
    std::uint32_t batch_records_ = 0;
    std::uint64_t room_end_ = 0;  ///< up to here the open batch grows without a question; 0 if it is not open
    std::uint64_t last_batch_end_ = 0;
    std::uint64_t closed_at_ = 0;  ///< end of the closing mark, if nothing came after it
    std::uint64_t batch_limit_ = 0, stretch_bytes_ = 0;
    std::uint64_t reserved_to_ = 0;  ///< the open batch may go on to here whatever its size
    std::int64_t last_time_ = 0;
    std::int64_t roll_refused_at_ = 0;  ///< when there was no room for a segment; 0: there was
    bool spare_ready_ = false;
    bool in_on_roll_ = false;
    bool state_owed_ = false;  ///< the last `on_roll` could not write all of it
    bool failed_ = false;
    bool stalled_ = false;
    bool opening_ = true;
    std::uint64_t vouched_ = 0;  ///< at recovery: everything before was synced, as a good batch says
    bool other_boot_ = false;    ///< the machine was started again since the log was last open
    bool from_zero_ = true;      ///< the log still has its first segment
    Buffer scratch_;

    Segments segments_;       ///< by position; the last is active
    std::size_t sealed_ = 0;  ///< how many of the first are sealed
    std::uint32_t next_number_ = 1;
    std::size_t moved_indexes_ = 0;  ///< unsealed segments with moved messages
    std::size_t damaged_segments_ = 0;
    std::set<std::uint64_t> mended_;  ///< segments whose index file was made again since the log was opened
    std::uint64_t uses_ = 0;
    std::size_t open_files_ = 0;
    QueueTable queues_;
    ColdCache cold_;
    ColdKey last_cold_;  ///< the stretch somebody read last

    bool syncing_ = false, sync_wanted_ = false;
    bool sync_held_ = false;  ///< the system had no descriptor for it: with the next write, or `maintain`
    bool sealing_ = false;
    bool removing_ = false;
    std::vector<std::string> removals_;        ///< files on their way out, first to go first
    std::optional<std::uint64_t> lone_index_;  ///< begin of the index file kept for its ends alone

    Recovered recovered_;
    mutable Counters counters_;
    std::shared_ptr<Impl*> self_;  ///< what finished work finds us by, if we still are
};

}  // namespace posthorn::store
